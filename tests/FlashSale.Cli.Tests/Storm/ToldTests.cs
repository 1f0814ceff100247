using System.Text;
using FlashSale.Cli.Storm;
using FlashSale.Cli.Tests.Fakes;
using FlashSale.Core.Audit;
using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Cli.Tests.Storm;

/// <summary>What a storm records of the answers is what the audit reads.</summary>
public sealed class ToldTests : IDisposable
{
    private readonly string _file = Path.GetTempFileName();

    public void Dispose() => File.Delete(_file);

    [Fact]
    public async Task Storm_Told_HasEachAnswerOnce()
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        StormTests.Result result = await StormTests.RunAsync("storm", "--url", sale.Url, "--campaign", "spring", "--open-quantity", "100", "--users", "1000", "--rate", "5000", "--told", _file);
        Assert.Equal(0, result.ExitCode);
        string[][] lines = [.. (await File.ReadAllLinesAsync(_file)).Skip(1).Select(l => l.Split(' '))];
        long accepted = lines.LongCount(l => l[0] == "accepted");
        Assert.Equal(100, lines.Count(l => l[0] == "issued"));
        Assert.Equal(accepted, lines.Count(l => l[0] is "issued" or "refused"));
        Assert.Equal(1_050, accepted + lines.Count(l => l[0] == "door"));
        Assert.All(lines.Where(l => l[0] == "door"), l => Assert.Equal(["spring", "sold-out"], l[2..]));
    }

    [Fact]
    public void Writer_WhatItWrites_IsReadBack()
    {
        var signer = new TicketSigner([(0, new byte[16])]);
        var log = new LogId(Guid.NewGuid());
        using (var told = new ToldWriter(File.Create(_file), ["spring"]))
        {
            for (int claim = 0; claim < 3; claim++)
                told.Accepted(claim, Encoding.ASCII.GetBytes(signer.Sign(new Ticket(new ClaimQuestion(log, 3, 5, claim, "spring", "ann", 1, 2), 1))));
            told.Issued(0, "2222222222222222"u8);
            told.Refused(2, "sold-out");
            told.RefusedAtDoor(3, 0, "sold-out");
            told.Flush();
        }

        using var text = new StreamReader(_file);
        var read = ToldClaims.Read(text);
        Assert.Equal((3, 2, log), (read.Accepted, read.Decided, read.Log));
    }
}
