using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Runtime.CompilerServices;
using FlashSale.Core.Configuration;
using FlashSale.Server.Hosting;

namespace FlashSale.Server.Tests.Hosting;

/// <summary>docs/configuration.md has each key, with the range and the default of the code, and no key that the code lacks.</summary>
public sealed class ConfigurationDocTests
{
    private static readonly Dictionary<string, string[]> Documented = ReadRows();

    public static TheoryData<string> Keys() => [.. Options().SelectMany(o => o.Properties.Select(p => OptionsCheck.Key(o.Section, p.Name)))];

    [Theory]
    [MemberData(nameof(Keys))]
    public void Documentation_HasRangeAndDefaultOfEachKey(string key)
    {
        var (section, options, properties) = Options().Single(o => o.Properties.Any(p => OptionsCheck.Key(o.Section, p.Name) == key));
        var property = properties.Single(p => OptionsCheck.Key(section, p.Name) == key);
        Assert.True(Documented.TryGetValue(key, out var cells), $"docs/configuration.md has no row for {key}");
        var allowed = cells[1].Replace("`", "", StringComparison.Ordinal);
        foreach (var attribute in property.GetCustomAttributes<ValidationAttribute>())
        {
            if (OptionsCheck.Allowed(attribute) is { } range)
                Assert.Equal(range, allowed);
        }

        if (property.PropertyType.IsEnum && property.GetCustomAttribute<AllowedValuesAttribute>() is null)
            Assert.Equal(string.Join(", ", Enum.GetNames(property.PropertyType)), allowed);
        Assert.Equal(Shown(property.GetValue(options)), property.PropertyType == typeof(TimeSpan)
            ? TimeSpan.Parse(cells[2].Trim('`'), CultureInfo.InvariantCulture).ToString()
            : cells[2].Trim('`'));
    }

    [Fact]
    public void Documentation_NamesNoOtherKey() =>
        Assert.Empty(Documented.Keys.Except(Options().SelectMany(o => o.Properties.Select(p => OptionsCheck.Key(o.Section, p.Name)))));

    private static string Shown(object? value) => value switch
    {
        null or "" => "none",
        bool flag => flag ? "true" : "false",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
    };

    /// <summary>The options classes that the settings consist of, with the defaults.</summary>
    private static IEnumerable<(string Section, object Options, PropertyInfo[] Properties)> Options() =>
        typeof(Settings).GetProperties().Where(p => p.PropertyType.Name.EndsWith("Options", StringComparison.Ordinal)).Select(p => (
            p.PropertyType == typeof(ServerOptions) ? "" : p.Name,
            Activator.CreateInstance(p.PropertyType)!,
            p.PropertyType.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(o => o.CanWrite).ToArray()));

    private static Dictionary<string, string[]> ReadRows([CallerFilePath] string here = "")
    {
        var file = Path.Combine(Path.GetDirectoryName(here)!, "../../../docs/configuration.md");
        return File.ReadLines(file)
            .Where(l => l.StartsWith("| `", StringComparison.Ordinal))
            .Select(l => l.Trim('|', ' ').Split('|', StringSplitOptions.TrimEntries))
            .Where(c => c.Length >= 3 && (c[0].Contains(':', StringComparison.Ordinal) || c[0] is "`Roles`" or "`Profile`" or "`Engine`"))
            .ToDictionary(c => c[0].Trim('`'));
    }
}
