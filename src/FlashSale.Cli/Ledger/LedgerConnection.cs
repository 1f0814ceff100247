using System.CommandLine;
using FlashSale.Core.Configuration;
using FlashSale.MySql;

namespace FlashSale.Cli.Ledger;

/// <summary>Where the ledger is.</summary>
internal static class LedgerConnection
{
    public static Option<string?> Option() => new("--ledger")
    {
        Description = "Connection string of the ledger's database. Default: FLASHSALE_MYSQL.",
        HelpName = "CONNECTION",
    };

    /// <summary>Opens the ledger, or null where none is named.</summary>
    public static MySqlLedger? Open(ParseResult parsed, Option<string?> option)
    {
        string? connection = parsed.GetValue(option) ?? Environment.GetEnvironmentVariable("FLASHSALE_MYSQL");
        if (string.IsNullOrEmpty(connection))
            return null;
        var options = new MySqlOptions { ConnectionString = connection };
        return OptionsCheck.Run(MySqlOptions.Section, options).FirstOrDefault() is { } wrong ? throw new CliException(wrong) : new MySqlLedger(options);
    }
}
