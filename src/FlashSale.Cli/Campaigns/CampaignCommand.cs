using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using FlashSale.Cli.Http;

namespace FlashSale.Cli.Campaigns;

/// <summary>flashsale campaign open|change|close|show|list|winners</summary>
internal static class CampaignCommand
{
    private const long QuantityMax = 100_000_000;
    private const int PerUserMax = 1000;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static Command Create() => new("campaign", "Opens, changes, closes and shows campaigns.")
    {
        CreateOpen(),
        CreateChange(),
        CreateClose(),
        CreateShow(),
        CreateList(),
        WinnersCommand.Create(),
    };

    private static ExampleCommand CreateOpen()
    {
        var command = new ExampleCommand(
            "open",
            "Opens a campaign; the same again changes nothing.",
            "flashsale campaign open spring --quantity 1000",
            "flashsale campaign open spring --name \"Spring sale\" --quantity 1000 --per-user 2 --opens-at 2027-03-01T10:00:00Z --closes-at 2027-03-01T12:00:00Z --discount percent:10");
        var settings = new SettingsOptions(quantityRequired: true);
        var call = new CallOptions(command);
        settings.AddTo(command);
        command.SetAction((parsed, cancellation) => call.RunAsync(parsed, async (api, id, output) =>
        {
            CampaignSettings wanted = settings.Apply(parsed, new CampaignSettings { Name = id, Quantity = 0 });
            await ShowResultAsync(await api.PutCampaignAsync(id, wanted, cancellation), id, output);
        }));
        return command;
    }

    private static ExampleCommand CreateChange()
    {
        var command = new ExampleCommand(
            "change",
            "Changes the given settings of a campaign and leaves the others.",
            "flashsale campaign change spring --quantity 1500",
            "flashsale campaign change spring --closes-at 2027-03-01T14:00:00Z");
        var settings = new SettingsOptions(quantityRequired: false);
        var call = new CallOptions(command);
        settings.AddTo(command);
        command.SetAction((parsed, cancellation) => call.RunAsync(parsed, async (api, id, output) =>
        {
            if (!settings.AnyGiven(parsed))
                throw new CliException("nothing to change: give at least one setting, such as --quantity 1500.");
            CampaignInfo now = await api.GetCampaignAsync(id, cancellation);
            await ShowResultAsync(await api.PutCampaignAsync(id, settings.Apply(parsed, CampaignSettings.Of(now)), cancellation), id, output);
        }));
        return command;
    }

    private static ExampleCommand CreateClose()
    {
        var command = new ExampleCommand("close", "Closes a campaign: no further claim wins.", "flashsale campaign close spring");
        var call = new CallOptions(command);
        command.SetAction((parsed, cancellation) => call.RunAsync(parsed, async (api, id, output) =>
            await ShowResultAsync(await api.CloseCampaignAsync(id, cancellation), id, output)));
        return command;
    }

    private static ExampleCommand CreateShow()
    {
        var command = new ExampleCommand("show", "Shows a campaign.", "flashsale campaign show spring", "flashsale campaign show spring --json");
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        var call = new CallOptions(command);
        command.Options.Add(json);
        command.SetAction((parsed, cancellation) => call.RunAsync(parsed, async (api, id, output) =>
        {
            CampaignInfo campaign = await api.GetCampaignAsync(id, cancellation);
            await output.WriteAsync(parsed.GetValue(json) ? JsonSerializer.Serialize(campaign, Json) + Environment.NewLine : CampaignText.Describe(campaign));
        }));
        return command;
    }

    private static ExampleCommand CreateList()
    {
        var command = new ExampleCommand("list", "Lists all campaigns, newest first.", "flashsale campaign list", "flashsale campaign list --json --url http://127.0.0.1:8081");
        Option<string> url = SharedOptions.Url();
        Option<string?> key = SharedOptions.ApiKey();
        var json = new Option<bool>("--json") { Description = "Print JSON." };
        command.Options.Add(json);
        command.Options.Add(url);
        command.Options.Add(key);
        command.SetAction(async (parsed, cancellation) =>
        {
            using var api = new ApiClient(SharedOptions.ReadUrl(parsed, url), SharedOptions.ReadApiKey(parsed, key));
            IReadOnlyList<CampaignInfo> campaigns = await api.ListCampaignsAsync(cancellation);
            string text = parsed.GetValue(json) ? JsonSerializer.Serialize(campaigns, Json) + Environment.NewLine : CampaignText.List(campaigns);
            await parsed.InvocationConfiguration.Output.WriteAsync(text);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static Task ShowResultAsync(CampaignInfo? campaign, string id, TextWriter output) =>
        output.WriteAsync(campaign is null
            ? $"Taken, but not decided yet; see: flashsale campaign show {id}{Environment.NewLine}"
            : CampaignText.Describe(campaign));

    /// <summary>What every command about one campaign has: its id, the server and the key.</summary>
    private sealed class CallOptions
    {
        private readonly Argument<string> _id = SharedOptions.CampaignId();
        private readonly Option<string> _url = SharedOptions.Url();
        private readonly Option<string?> _key = SharedOptions.ApiKey();

        public CallOptions(Command command)
        {
            command.Arguments.Add(_id);
            command.Options.Add(_url);
            command.Options.Add(_key);
        }

        public async Task<int> RunAsync(ParseResult parsed, Func<ApiClient, string, TextWriter, Task> action)
        {
            using var api = new ApiClient(SharedOptions.ReadUrl(parsed, _url), SharedOptions.ReadApiKey(parsed, _key));
            await action(api, parsed.GetValue(_id)!, parsed.InvocationConfiguration.Output);
            return ExitCodes.Ok;
        }
    }

    /// <summary>The settings of a campaign as options.</summary>
    private sealed class SettingsOptions(bool quantityRequired)
    {
        private readonly Option<string?> _name = new("--name") { Description = "What people see. Default of a new campaign: its id." };
        private readonly Option<long> _quantity = new Option<long>("--quantity") { Description = "Number of coupons.", HelpName = "N", Required = quantityRequired }.Between(1, QuantityMax);
        private readonly Option<int> _perUser = new Option<int>("--per-user") { Description = "Coupons that one user may hold (default 1).", HelpName = "N" }.Between(1, PerUserMax);
        private readonly Option<string?> _opensAt = new("--opens-at") { Description = "Before it claims are refused as not-open.", HelpName = "INSTANT" };
        private readonly Option<string?> _closesAt = new("--closes-at") { Description = "From it on claims are refused as closed.", HelpName = "INSTANT" };
        private readonly Option<string?> _discount = new("--discount") { Description = "What a coupon is worth, such as amount:5 or percent:10.", HelpName = "KIND:VALUE" };

        private Option[] All => [_name, _quantity, _perUser, _opensAt, _closesAt, _discount];

        public void AddTo(Command command)
        {
            foreach (Option option in All)
                command.Options.Add(option);
        }

        public bool AnyGiven(ParseResult parsed) => Array.Exists(All, option => Given(parsed, option));

        public CampaignSettings Apply(ParseResult parsed, CampaignSettings settings)
        {
            CampaignSettings changed = settings with
            {
                Name = parsed.GetValue(_name) ?? settings.Name,
                Quantity = Given(parsed, _quantity) ? parsed.GetValue(_quantity) : settings.Quantity,
                PerUser = Given(parsed, _perUser) ? parsed.GetValue(_perUser) : settings.PerUser,
                OpensAt = ReadInstant(parsed, _opensAt) ?? settings.OpensAt,
                ClosesAt = ReadInstant(parsed, _closesAt) ?? settings.ClosesAt,
                Discount = parsed.GetValue(_discount) is { } discount ? Discount.Parse(discount) : settings.Discount,
            };
            if (changed.ClosesAt <= changed.OpensAt)
                throw new CliException("--closes-at must be later than --opens-at.");
            return changed;
        }

        private static bool Given(ParseResult parsed, Option option) => parsed.GetResult(option) is { Implicit: false };

        private static DateTimeOffset? ReadInstant(ParseResult parsed, Option<string?> option)
        {
            if (parsed.GetValue(option) is not { } text)
                return null;
            // Without an offset it is UTC: the same line means the same on every machine.
            if (!DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTimeOffset instant))
                throw new CliException($"{option.Name}: '{text}' is not an instant such as 2027-03-01T10:00:00Z.");
            return instant;
        }
    }
}
