using System.Text.Json;
using FlashSale.Cli.Tests.Fakes;
using FlashSale.Cli.Tests.Storm;

namespace FlashSale.Cli.Tests.Campaigns;

public sealed class CampaignCommandTests
{
    [Fact]
    public async Task Open_NewCampaign_ShowsIt()
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        StormTests.Result result = await StormTests.RunAsync(
            "campaign", "open", "spring", "--url", sale.Url, "--quantity", "1000", "--per-user", "2", "--opens-at", "2027-03-01T10:00:00Z", "--discount", "percent:10");
        Assert.Equal("", result.Error);
        Assert.Equal(0, result.ExitCode);
        Assert.Contains("quantity   1,000, 2 per user", result.Output, StringComparison.Ordinal);
        Assert.Contains("opens at   2027-03-01T10:00:00Z", result.Output, StringComparison.Ordinal);
        Assert.Contains("discount   percent:10", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Change_OneSetting_LeavesTheOthers()
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        await StormTests.RunAsync("campaign", "open", "spring", "--url", sale.Url, "--name", "Spring sale", "--quantity", "1000", "--per-user", "2", "--discount", "amount:5");
        StormTests.Result changed = await StormTests.RunAsync("campaign", "change", "spring", "--url", sale.Url, "--quantity", "1500");
        Assert.Equal(0, changed.ExitCode);
        StormTests.Result shown = await StormTests.RunAsync("campaign", "show", "spring", "--url", sale.Url, "--json");
        using JsonDocument campaign = JsonDocument.Parse(shown.Output);
        Assert.Equal("Spring sale", campaign.RootElement.GetProperty("name").GetString());
        Assert.Equal(1500, campaign.RootElement.GetProperty("quantity").GetInt64());
        Assert.Equal(2, campaign.RootElement.GetProperty("perUser").GetInt32());
        Assert.Equal("amount", campaign.RootElement.GetProperty("discount").GetProperty("kind").GetString());
    }

    [Theory]
    [InlineData("change", "--quantity", "5")]
    [InlineData("show")]
    public async Task Any_CampaignMissing_SaysSo(params string[] arguments)
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        StormTests.Result result = await StormTests.RunAsync(["campaign", arguments[0], "spring", .. arguments[1..], "--url", sale.Url]);
        Assert.Equal(2, result.ExitCode);
        Assert.Equal($"flashsale: There is no campaign 'spring' on {sale.Url}.\n", result.Error);
    }

    [Fact]
    public async Task Close_OpenCampaign_IsClosed()
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        await StormTests.RunAsync("campaign", "open", "spring", "--url", sale.Url, "--quantity", "10");
        StormTests.Result result = await StormTests.RunAsync("campaign", "close", "spring", "--url", sale.Url);
        Assert.Contains("state      closed", result.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task List_TwoCampaigns_ShowsBoth()
    {
        await using FakeSale sale = await FakeSale.StartAsync();
        StormTests.Result none = await StormTests.RunAsync("campaign", "list", "--url", sale.Url);
        Assert.Equal("There are no campaigns.\n", none.Output);
        await StormTests.RunAsync("campaign", "open", "spring", "--url", sale.Url, "--quantity", "10");
        await StormTests.RunAsync("campaign", "open", "autumn", "--url", sale.Url, "--quantity", "20");
        StormTests.Result both = await StormTests.RunAsync("campaign", "list", "--url", sale.Url);
        Assert.Contains("spring", both.Output, StringComparison.Ordinal);
        Assert.Contains("autumn", both.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Open_ServerRefuses_ShowsItsReasonInOneLine()
    {
        await using FakeSale sale = await FakeSale.StartAsync(apiKey: "secret");
        StormTests.Result refused = await StormTests.RunAsync("campaign", "open", "spring", "--url", sale.Url, "--quantity", "10");
        Assert.Equal(2, refused.ExitCode);
        Assert.Equal($"flashsale: {sale.Url} refused: 401 unauthorized\n", refused.Error);
        StormTests.Result taken = await StormTests.RunAsync("campaign", "open", "spring", "--url", sale.Url, "--quantity", "10", "--api-key", "secret");
        Assert.Equal(0, taken.ExitCode);
    }
}
