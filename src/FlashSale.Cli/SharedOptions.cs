using System.CommandLine;
using FlashSale.Cli.Http;

namespace FlashSale.Cli;

/// <summary>Options that several commands have, and the checks of values.</summary>
internal static class SharedOptions
{
    private const int IdLengthMax = 64;

    // The key has no default value factory: help would print it.
    public static Option<string?> ApiKey() => new("--api-key")
    {
        Description = "Key for requests of administrators. Default: FLASHSALE_API_KEY.",
        HelpName = "KEY",
    };

    public static string? ReadApiKey(ParseResult parsed, Option<string?> option) =>
        parsed.GetValue(option) ?? Environment.GetEnvironmentVariable("FLASHSALE_API_KEY");

    public static Option<string> Url() => new("--url")
    {
        Description = $"Address of the server. Default: FLASHSALE_URL, else {ServerUrl.Default}.",
        HelpName = "URL",
    };

    public static string ReadUrl(ParseResult parsed, Option<string> option) => parsed.GetValue(option) ?? DefaultUrl;

    public static Argument<string> CampaignId()
    {
        var argument = new Argument<string>("ID") { Description = "The campaign." };
        argument.Validators.Add(result =>
        {
            if (result.Tokens.Count == 1 && !IsId(result.Tokens[0].Value))
                result.AddError(DescribeId(result.Tokens[0].Value));
        });
        return argument;
    }

    public static string DefaultUrl => Environment.GetEnvironmentVariable("FLASHSALE_URL") is { Length: > 0 } url ? url : ServerUrl.Default;

    /// <summary>1 to 64 characters of those that the interface allows in ids.</summary>
    public static bool IsId(string text, int lengthMax = IdLengthMax) =>
        text.Length > 0 && text.Length <= lengthMax && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or ':' or '-');

    public static string DescribeId(string text) => $"'{text}' is not an id: 1 to {IdLengthMax} characters of A-Z a-z 0-9 _ . : -";

    /// <summary>Finds out now, rather than after a long run, whether a file can be written.</summary>
    public static void CheckWritable(string option, string? file)
    {
        if (file is null)
            return;
        try
        {
            using FileStream stream = File.OpenWrite(file);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException($"{option} {file}: {e.Message}", e);
        }
    }

    /// <summary>Refuses values outside of the range with a line that names it.</summary>
    public static Option<T> Between<T>(this Option<T> option, double lowest, double highest)
        where T : struct
    {
        option.Validators.Add(result =>
        {
            // Validators see values that could not be parsed too; those are reported already.
            if (result.Tokens.Count != 1 || !double.TryParse(result.Tokens[0].Value, out double value))
                return;
            if (!(value >= lowest && value <= highest))
                result.AddError($"{option.Name} must be between {lowest:#,0.####} and {highest:#,0.####}, not {result.Tokens[0].Value}.");
        });
        return option;
    }
}
