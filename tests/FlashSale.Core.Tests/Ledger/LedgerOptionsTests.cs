using FlashSale.Core.Configuration;
using FlashSale.Core.Ledger;

namespace FlashSale.Core.Tests.Ledger;

public sealed class LedgerOptionsTests
{
    [Fact]
    public void Validate_Defaults_AreFine() => Assert.Empty(OptionsCheck.Run(LedgerOptions.Section, new LedgerOptions()));

    [Fact]
    public void Validate_OutOfRange_NamesKeyAndRange()
    {
        var options = new LedgerOptions
        {
            RowsMax = 0,
            RecordsMax = 10_001,
            GatherTime = TimeSpan.FromSeconds(-1),
            BackoffMin = TimeSpan.FromSeconds(10),
            BackoffMax = TimeSpan.FromSeconds(5),
        };
        Assert.Equal(
            [
                "Ledger:RowsMax is 0; allowed: 1 to 20000",
                "Ledger:RecordsMax is 10001; allowed: 1 to 10000",
                "Ledger:GatherTime is -00:00:01; allowed: 00:00:00 to 00:00:10",
                "Ledger:BackoffMax is 00:00:05; allowed: Ledger:BackoffMin (00:00:10) to 00:10:00",
            ],
            OptionsCheck.Run(LedgerOptions.Section, options));
    }
}
