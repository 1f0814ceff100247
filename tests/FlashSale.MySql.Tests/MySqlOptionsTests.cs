using FlashSale.Core.Configuration;

namespace FlashSale.MySql.Tests;

public sealed class MySqlOptionsTests
{
    private const string Good = "Server=db;Database=flashsale;User Id=fs;Password=pw";

    [Fact]
    public void Validate_Defaults_AskForTheConnectionStringOnly() =>
        Assert.StartsWith("MySql:ConnectionString is missing", Assert.Single(Check(new MySqlOptions())), StringComparison.Ordinal);

    [Fact]
    public void Validate_AllGiven_IsFine() => Assert.Empty(Check(new MySqlOptions { ConnectionString = Good }));

    [Theory]
    [InlineData("Server=db", "names no database")]
    [InlineData("Database=flashsale;Server=", "names no server")]
    [InlineData("Colour=blue", "cannot be read")]
    [InlineData("Server=db;Database=f;Port=many", "cannot be read")]
    public void Validate_BadConnectionString_SaysWhat(string text, string problem) =>
        Assert.Contains(problem, Assert.Single(Check(new MySqlOptions { ConnectionString = text })), StringComparison.Ordinal);

    [Fact]
    public void Validate_OutOfRange_NamesKeyAndRange()
    {
        var options = new MySqlOptions { ConnectionString = Good, Writers = 0, CommandTimeout = TimeSpan.Zero, ConnectTimeout = TimeSpan.FromHours(1), Tls = (MySqlTls)9 };
        Assert.Equal(
            [
                "MySql:Tls is 9; allowed: Unspecified, Off, Preferred, Required, VerifyCA, VerifyFull",
                "MySql:CommandTimeout is 00:00:00; allowed: 00:00:01 to 00:10:00",
                "MySql:ConnectTimeout is 01:00:00; allowed: 00:00:01 to 00:01:00",
                "MySql:Writers is 0; allowed: 1 to 64",
            ],
            Check(options));
    }

    [Fact]
    public void ToBuilder_PasswordAndTlsApart_Win()
    {
        var builder = new MySqlOptions { ConnectionString = Good, Password = "other", Tls = MySqlTls.VerifyFull }.ToBuilder();
        Assert.Equal("other", builder.Password);
        Assert.Equal(MySqlSslMode.VerifyFull, builder.SslMode);
    }

    private static IEnumerable<string> Check(MySqlOptions options) => OptionsCheck.Run(MySqlOptions.Section, options);
}
