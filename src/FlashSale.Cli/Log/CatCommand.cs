using System.CommandLine;
using Confluent.Kafka;
using FlashSale.Core.Log;
using FlashSale.Kafka;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlashSale.Cli.Log;

/// <summary>flashsale cat</summary>
internal static class CatCommand
{
    private const int ReadRecordsMax = 500;
    private const int ReadBytesMax = 1 << 20;

    public static Command Create()
    {
        var command = new ExampleCommand(
            "cat",
            "Prints the records of a topic readably.",
            "flashsale cat coupon-commands",
            "flashsale cat coupon-events --partition 3 --from 100 --to 120",
            "flashsale cat coupon-commands-dlq --kafka broker-1:9092");
        var topic = new Argument<string>("TOPIC") { Description = "The topic." };
        var partition = new Option<int?>("--partition") { Description = "Only this partition. Default: all, one after the other.", HelpName = "P" };
        var from = new Option<long?>("--from") { Description = "First offset. Default: the first that is kept.", HelpName = "OFFSET" };
        var to = new Option<long?>("--to") { Description = "Last offset. Default: the last one now.", HelpName = "OFFSET" };
        var kafka = KafkaConnection.Option();
        command.Arguments.Add(topic);
        foreach (Option option in new Option[] { partition, from, to, kafka })
            command.Options.Add(option);
        command.SetAction(async (parsed, cancellation) =>
        {
            var range = (From: parsed.GetValue(from), To: parsed.GetValue(to));
            if (range.From < 0 || range.To < range.From)
                throw new CliException("--from and --to must be offsets from 0, --from not above --to.");
            KafkaOptions options = KafkaConnection.Read(parsed, kafka);
            string name = parsed.GetValue(topic)!;
            await using var client = new KafkaLog(options, "cat", NullLogger<KafkaLog>.Instance);
            ILog log = KafkaConnection.Patient(client);
            foreach (int p in Partitions(options, name, parsed.GetValue(partition)))
                await PrintAsync(log, name, p, range, parsed.InvocationConfiguration.Output, cancellation);
            return ExitCodes.Ok;
        });
        return command;
    }

    private static IEnumerable<int> Partitions(KafkaOptions options, string topic, int? only)
    {
        try
        {
            int count = KafkaConnection.PartitionsOf(options, topic);
            if (count == 0)
                throw new CliException($"there is no topic {topic} at {options.BootstrapServers}.");
            if (only is null)
                return Enumerable.Range(0, count);
            return only >= 0 && only < count ? [only.Value] : throw new CliException($"--partition must be 0 to {count - 1}: {topic} has {count} partitions.");
        }
        catch (KafkaException e)
        {
            throw new CliException($"Kafka at {options.BootstrapServers} does not answer: {e.Error.Reason}", e);
        }
    }

    private static async Task PrintAsync(
        ILog log, string topic, int partition, (long? From, long? To) range, TextWriter output, CancellationToken cancellation)
    {
        LogBounds bounds = await log.BoundsAsync(topic, partition, cancellation);
        long next = Math.Max(range.From ?? 0, bounds.Start);
        long end = Math.Min(range.To + 1 ?? long.MaxValue, bounds.End);
        if (next >= end)
            return;
        await using ILogReader reader = log.Read(topic, partition, next);
        while (next < end)
        {
            foreach (LogRecord record in await reader.ReadAsync(ReadRecordsMax, ReadBytesMax, cancellation))
            {
                if (record.Offset >= end)
                    return;
                await output.WriteAsync(RecordText.Describe(topic, partition, record));
                next = record.Offset + 1;
            }
        }
    }
}
