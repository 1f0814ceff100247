using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;

namespace FlashSale.Core.Configuration;

/// <summary>What the attributes of an options class cannot state: rules across keys, and what depends on the machine or on a driver.</summary>
public interface IOptionsRules
{
    /// <summary>One line for each rule that is broken, beginning with the key; nothing where all is well.</summary>
    IEnumerable<string> Validate();
}

/// <summary>Checks an options class, before anything starts: what its attributes say of each value, then its own rules.</summary>
public static class OptionsCheck
{
    /// <summary>What is wrong, one line for each key: <c>Section:Key is VALUE; allowed: MIN to MAX</c>. Empty where all is well.</summary>
    /// <param name="section">Empty for keys of the top level.</param>
    public static IEnumerable<string> Run(string section, object options)
    {
        var ofValues = options.GetType().GetProperties().Where(p => p.CanWrite).Select(p => Check(Key(section, p.Name), p, p.GetValue(options))).OfType<string>();
        return options is IOptionsRules rules ? ofValues.Concat(rules.Validate()) : ofValues;
    }

    /// <summary>The full name of a key.</summary>
    public static string Key(string section, string name) => section.Length == 0 ? name : $"{section}:{name}";

    /// <summary>What one attribute allows, as it is told and documented; null for one that allows nothing but some value.</summary>
    public static string? Allowed(ValidationAttribute attribute) => attribute switch
    {
        RequiredAttribute => null,
        // Limits that are given as text are shown as they are given; the attribute itself forgets the text once it has compared.
        RangeAttribute range => $"{range.Minimum} to {range.Maximum}",
        MinLengthAttribute shortest => $"{shortest.Length} characters or more",
        AllowedValuesAttribute values => string.Join(", ", values.Values),
        RegularExpressionAttribute { ErrorMessage: null } pattern => pattern.Pattern,
        _ => attribute.ErrorMessage,
    };

    /// <summary>What a key allows by its type and attributes.</summary>
    public static string Allowed(PropertyInfo property) =>
        property.GetCustomAttributes<ValidationAttribute>().Select(Allowed).FirstOrDefault(a => a is not null)
        ?? (property.PropertyType.IsEnum ? string.Join(", ", Enum.GetNames(property.PropertyType)) : $"a {property.PropertyType.Name}");

    private static string? Check(string key, PropertyInfo property, object? value)
    {
        if (property.GetCustomAttribute<RequiredAttribute>() is { } required && !required.IsValid(value))
            return $"{key} is missing";
        if (property.PropertyType.IsEnum && !Enum.IsDefined(property.PropertyType, value!))
            return $"{key} is {value}; allowed: {string.Join(", ", Enum.GetNames(property.PropertyType))}";
        foreach (var attribute in property.GetCustomAttributes<ValidationAttribute>())
        {
            var allowed = Allowed(attribute);
            if (!attribute.IsValid(value))
                return $"{key} is {Shown(attribute, value)}; allowed: {allowed}";
        }

        return null;
    }

    private static string Shown(ValidationAttribute attribute, object? value) => attribute is MinLengthAttribute
        // Only secrets have a least length.
        ? "too short"
        : value is string text ? $"'{text}'" : Convert.ToString(value, CultureInfo.InvariantCulture) ?? "";
}
