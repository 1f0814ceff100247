using System.Globalization;
using System.Text;
using FlashSale.Core.Coupons;
using FlashSale.Core.Log;

namespace FlashSale.Cli.Log;

/// <summary>Records as text: a line for the record, a line for each command in it.</summary>
internal static class RecordText
{
    private const int GarbageBytesShown = 32;

    public static string Describe(string topic, int partition, LogRecord record)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"{topic} {partition}:{record.Offset}  {Instant(record.TimestampMs)}  ");
        ReadOnlySpan<byte> value = record.Value.Span;
        CommandRecordInfo info = CouponRecord.Inspect(value);
        if (GenesisRecord.TryDecode(value) is { } genesis)
            text.AppendLine(CultureInfo.InvariantCulture, $"genesis  log {genesis.Log}  {genesis.Machine} [{genesis.Partition}] of {genesis.Partitions}  keys by {genesis.KeyHash}  rules {genesis.Rules}");
        else if (info.State == CommandRecordState.Readable)
            Commands(text, partition, record.Offset, value);
        else if (DeadLetterRecord.TryDecode(record.Value) is { } letter)
            text.AppendLine(CultureInfo.InvariantCulture, $"dead letter  {letter.Reason}  from {letter.Partition}:{letter.Offset}  {Bytes(letter.Payload.Span)}");
        else if (info.State == CommandRecordState.NewerVersion)
            text.AppendLine("of a newer version than this program reads");
        else if (!TryEvent(text, partition, record.Value))
            text.AppendLine(CultureInfo.InvariantCulture, $"undecodable  {Bytes(value)}");
        return text.ToString();
    }

    private static void Commands(StringBuilder text, int partition, long offset, ReadOnlySpan<byte> value)
    {
        CouponRecord commands = CouponRecord.Open(value);
        text.AppendLine(CultureInfo.InvariantCulture, $"commands  record {commands.Id}  {commands.Count} in {value.Length:N0} bytes");
        for (int index = 0; commands.TryNext(out CouponCommandView command); index++)
        {
            Command(text, new RecordAddress(partition, offset, index), commands.Campaigns[command.Campaign], command);
            text.AppendLine();
        }
    }

    private static bool TryEvent(StringBuilder text, int partition, ReadOnlyMemory<byte> value)
    {
        EventRecord told;
        try
        {
            told = EventRecord.Decode(value);
        }
        catch (LogRefusedException)
        {
            return false;
        }

        text.AppendLine(CultureInfo.InvariantCulture, $"event  answers {told.Answers}  log {told.Log}  {told.Commands:N0} commands decided so far");
        CouponOutcomes outcomes = CouponOutcomes.Open(told.Outcomes.Span);
        if (told.Command.IsEmpty)
        {
            while (outcomes.TryNext(out CouponOutcome outcome, out _))
                text.AppendLine(CultureInfo.InvariantCulture, $"  {partition}:{told.Answers.Offset}  {outcome.Name()}");
            return true;
        }

        CouponRecord commands = CouponRecord.Open(told.Command.Span);
        CampaignState[] states = States(outcomes, commands.Campaigns.Length);
        for (int index = 0; commands.TryNext(out CouponCommandView command) && outcomes.TryNext(out CouponOutcome outcome, out int sequence); index++)
        {
            Command(text, new RecordAddress(partition, told.Answers.Offset, index), commands.Campaigns[command.Campaign], command);
            text.Append(CultureInfo.InvariantCulture, $"  -> {outcome.Name()}");
            if (outcome.IsIssued())
                text.Append(CultureInfo.InvariantCulture, $" {Code(partition, states[command.Campaign], sequence)} (number {sequence + 1})");
            text.AppendLine();
        }

        for (int i = 0; i < states.Length; i++)
        {
            if (states[i].Quantity > 0)
                text.AppendLine(CultureInfo.InvariantCulture, $"  {commands.Campaigns[i]}: {states[i].Issued:N0} of {states[i].Quantity:N0} issued{(states[i].IsClosed ? ", closed" : "")}");
        }

        return true;
    }

    private static CampaignState[] States(CouponOutcomes outcomes, int campaigns)
    {
        var states = new CampaignState[campaigns];
        for (int i = 0; i < outcomes.CampaignCount; i++)
        {
            (int campaign, CampaignState state) = outcomes.CampaignAt(i);
            states[campaign] = state;
        }

        return states;
    }

    private static string Code(int partition, in CampaignState campaign, int sequence)
    {
        using var codes = new CouponCode(campaign.Seed);
        return codes.Encode(partition, campaign.Number, sequence);
    }

    private static void Command(StringBuilder text, RecordAddress address, string campaign, in CouponCommandView command)
    {
        text.Append(CultureInfo.InvariantCulture, $"  {address}  {Instant(command.InstantMs)}  {command.Kind.ToString().ToLowerInvariant()} {campaign}");
        if (command.Kind == CouponCommandKind.Claim)
            text.Append(CultureInfo.InvariantCulture, $"  user {Encoding.ASCII.GetString(command.User)}  claim {command.ClaimId:x16}");
        else if (command.Kind is CouponCommandKind.Open or CouponCommandKind.Change)
            text.Append(CultureInfo.InvariantCulture, $"  quantity {command.Quantity:N0}  per user {command.PerUser}  from {Window(command.OpensAtMs)} to {Window(command.ClosesAtMs)}  {Encoding.UTF8.GetString(command.Description)}");
    }

    private static string Window(long ms) => ms == 0 ? "-" : Instant(ms);

    private static string Instant(long ms) => DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(ms, 0, 253402300799999)).ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture);

    private static string Bytes(ReadOnlySpan<byte> bytes) =>
        $"{bytes.Length:N0} bytes: {Convert.ToHexString(bytes[..Math.Min(bytes.Length, GarbageBytesShown)])}{(bytes.Length > GarbageBytesShown ? "..." : "")}";
}
