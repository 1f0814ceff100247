using System.CommandLine.Parsing;
using System.Text.RegularExpressions;

namespace FlashSale.Cli;

/// <summary>What is wrong with a command line, in words of the people who type it.</summary>
internal static partial class ParseErrors
{
    /// <summary>One line without a full stop. The parser's own text for a value that is no number names a type of .NET.</summary>
    public static string Describe(ParseError error)
    {
        var match = WrongType().Match(error.Message);
        if (!match.Success)
            return error.Message.ReplaceLineEndings(" ").TrimEnd('.');
        var type = match.Groups["type"].Value;
        var (option, value) = (match.Groups["option"].Value, match.Groups["value"].Value.ReplaceLineEndings(" "));
        return type.Contains(nameof(Int32), StringComparison.Ordinal) ? $"{option} needs a whole number, not '{value}'"
            : type.Contains(nameof(Double), StringComparison.Ordinal) ? $"{option} needs a number, not '{value}'"
            : $"{option} does not take '{value}'";
    }

    [GeneratedRegex("^Cannot parse argument '(?<value>.*)' for option '(?<option>.*)' as expected type '(?<type>.*)'", RegexOptions.Singleline | RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex WrongType();
}
