using System.ComponentModel.DataAnnotations;
using FlashSale.Core.Configuration;
using FlashSale.Core.Door;
using FlashSale.Core.Engine;

namespace FlashSale.Core.Tests.Configuration;

public sealed class OptionsCheckTests
{
    [Fact]
    public void Run_Defaults_AreFine()
    {
        Assert.Empty(OptionsCheck.Run(EngineOptions.Section, new EngineOptions()));
        Assert.Empty(OptionsCheck.Run(DoorOptions.Section, new DoorOptions()));
        Assert.Empty(OptionsCheck.Run("Some", new SomeOptions()));
    }

    [Fact]
    public void Run_WrongValues_NamesKeyValueAndWhatIsAllowed()
    {
        var options = new SomeOptions
        {
            Name = "",
            Number = 0,
            Wait = TimeSpan.FromMilliseconds(40),
            Prefix = "a b",
            Kind = (DayOfWeek)9,
            Day = DayOfWeek.Friday,
            Secret = "short",
            Servers = "a:1,b",
        };
        Assert.Equal(
            [
                "Some:Name is missing",
                "Some:Number is 0; allowed: 1 to 5",
                "Some:Wait is 00:00:00.0400000; allowed: 00:00:00.050 to 00:01:00",
                "Some:Prefix is 'a b'; allowed: letters only",
                "Some:Kind is 9; allowed: Sunday, Monday, Tuesday, Wednesday, Thursday, Friday, Saturday",
                "Some:Day is Friday; allowed: Sunday, Monday",
                "Some:Secret is too short; allowed: 16 characters or more",
                "Some:Servers is 'a:1,b'; allowed: host:port, several separated by commas, with ports from 1 to 65535",
            ],
            OptionsCheck.Run("Some", options));
    }

    [Fact]
    public void Run_RuleAcrossKeys_IsChecked() =>
        Assert.Equal(
            ["Engine:BackoffMax is 00:00:00.0100000; allowed: Engine:BackoffMin (00:00:00.0500000) to 00:10:00"],
            OptionsCheck.Run(EngineOptions.Section, new EngineOptions { BackoffMax = TimeSpan.FromMilliseconds(10) }));

    [Fact]
    public void Run_TopLevel_HasNoSection() => Assert.Equal(["Number is 6; allowed: 1 to 5"], OptionsCheck.Run("", new SomeOptions { Number = 6 }));

    private sealed class SomeOptions
    {
        [Required]
        public string Name { get; set; } = "name";

        [Range(1, 5)]
        public int Number { get; set; } = 1;

        [Range(typeof(TimeSpan), "00:00:00.050", "00:01:00")]
        public TimeSpan Wait { get; set; } = TimeSpan.FromSeconds(1);

        [RegularExpression("[a-z]*", ErrorMessage = "letters only")]
        public string Prefix { get; set; } = "";

        public DayOfWeek Kind { get; set; }

        [AllowedValues(DayOfWeek.Sunday, DayOfWeek.Monday)]
        public DayOfWeek Day { get; set; }

        [MinLength(16)]
        public string? Secret { get; set; }

        [Endpoints]
        public string Servers { get; set; } = "a:1, b:65535,[::1]:7000";

        public string Computed => Name;
    }
}
