using FlashSale.Cli.Storm;

namespace FlashSale.Cli.Tests.Storm;

public sealed class ClaimBookTests
{
    private readonly ClaimBook _book = new(Schedule.Create(3, repeatShare: 0, LoadCurve.Constant(100), Spacing.Even, seed: 1), campaigns: 1);

    [Fact]
    public void Issued_AcceptedClaims_KeepTheirTicketsAndCodes()
    {
        for (int slot = 0; slot < 3; slot++)
            Accept(slot);
        _book.Issued(2, "3333333333333333"u8);
        _book.Issued(0, "1111111111111111"u8);
        Assert.Equal(("1111111111111111", "3333333333333333"), (_book.CodeOf(0), _book.CodeOf(2)));
        Assert.Equal("ticket-1"u8, _book.TicketOf(1));
        Assert.Equal((2, 1, 3), (_book.Count(ClaimState.Issued), _book.Count(ClaimState.Accepted), _book.AcceptedInAll));
    }

    [Fact]
    public void Issued_ToldAgain_ContradictsOnlyWithAnotherCode()
    {
        Accept(0);
        _book.Issued(0, "1111111111111111"u8);
        _book.Issued(0, "1111111111111111"u8);
        Assert.Equal((0, null), _book.Contradictions);
        _book.Issued(0, "1111111111111112"u8);
        Assert.Equal((1, "issued 1111111111111111, later issued 1111111111111112"), _book.Contradictions);
        Assert.Equal("1111111111111111", _book.CodeOf(0));
    }

    [Fact]
    public void Issued_RefusedBefore_Contradicts()
    {
        Accept(0);
        _book.Refused(0, _book.Reasons.NumberOf("sold-out"));
        _book.Issued(0, "1111111111111111"u8);
        Assert.Equal((1, "refused sold-out, later issued 1111111111111111"), _book.Contradictions);
        Assert.Equal(ClaimState.Refused, _book.StateOf(0));
    }

    private void Accept(int slot)
    {
        _book.Sent(slot);
        _book.Accepted(slot, System.Text.Encoding.ASCII.GetBytes($"ticket-{slot}"));
    }
}
