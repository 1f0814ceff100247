using System.Data.Common;
using System.Globalization;
using System.Net.Http.Json;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using FlashSale.Chaos.Servers;
using FlashSale.Core.Log;
using FlashSale.Kafka;
using FlashSale.MySql;
using Microsoft.Extensions.Logging.Abstractions;

namespace FlashSale.Measure.Running;

/// <summary>An installation of FlashSale with topics and a database of its own; Redis belongs to it alone while it lives. Everything is gone when it is disposed.</summary>
internal sealed class Installation : IAsyncDisposable
{
    public const int Partitions = 8;

    private static readonly TimeSpan DeletedWithin = TimeSpan.FromSeconds(30);
    private readonly Lab _lab;
    private readonly string _database;
    private readonly List<ServerNode> _servers = [];
    private KafkaLog? _log;

    private Installation(Lab lab, string name)
    {
        _lab = lab;
        _database = $"flashsale_{name}";
        Topics = MachineTopics.Coupon with { Prefix = $"{name}-" };
        Kafka = new KafkaOptions { BootstrapServers = lab.Stack.Kafka, TopicPrefix = Topics.Prefix, Partitions = Partitions };
        var builder = new DbConnectionStringBuilder { ConnectionString = lab.Stack.MySql };
        builder["Database"] = _database;
        MySql = builder.ConnectionString;
    }

    public MachineTopics Topics { get; }

    public KafkaOptions Kafka { get; }

    /// <summary>Connection string of its database.</summary>
    public string MySql { get; }

    /// <summary>Reads its topics.</summary>
    public KafkaLog Log => _log ??= new KafkaLog(Kafka, "measure", NullLogger<KafkaLog>.Instance);

    public static async Task<Installation> CreateAsync(Lab lab, CancellationToken cancel)
    {
        var installation = new Installation(lab, lab.NextName());
        await lab.Stack.FlushRedisAsync(cancel);
        await installation.ResetLedgerAsync(cancel);
        return installation;
    }

    /// <summary>Ids of campaigns that lie in partitions 0, 1, 2 and so on, one in each.</summary>
    public static IReadOnlyList<string> CampaignsOnPartitions(int count) => [.. Enumerable.Range(0, count).Select(p => CampaignsOn(p).First())];

    /// <summary>Ids of campaigns that all lie in one partition.</summary>
    public static IEnumerable<string> CampaignsOn(int partition) => Enumerable.Range(0, int.MaxValue)
        .Select(i => string.Create(CultureInfo.InvariantCulture, $"sale-{i}")).Where(id => MachineTopics.PartitionOf(id, Partitions) == partition);

    /// <summary>Starts a server process and waits until it is ready.</summary>
    public async Task<ServerNode> StartAsync(string name, string roles, CancellationToken cancel, params (string Key, string Value)[] settings)
    {
        var server = Prepare(name, roles, settings);
        server.Start();
        await server.ReadyAsync(cancel);
        return server;
    }

    /// <summary>A server process, not started yet.</summary>
    public ServerNode Prepare(string name, string roles, params (string Key, string Value)[] settings)
    {
        var all = new Dictionary<string, string>(ServerRuntime.Environment)
        {
            ["Kafka__BootstrapServers"] = Kafka.BootstrapServers,
            ["Kafka__TopicPrefix"] = Kafka.TopicPrefix,
            ["Kafka__Partitions"] = Partitions.ToString(CultureInfo.InvariantCulture),
            ["Redis__Endpoints"] = _lab.Stack.Redis,
            ["MySql__ConnectionString"] = MySql,
            // The one that every build has; EnginesRow compares the other one with it.
            ["Engine"] = "direct",
            ["Logging__LogLevel__Default"] = "Warning",
            // Development has a middleware more, which catches what nobody else does.
            ["ASPNETCORE_ENVIRONMENT"] = "Production",
            ["Tickets__Keys"] = "0:Zmxhc2hzYWxlIG1lYXN1cmVtZW50IGtleQ==",
            ["Auth__AllowOpen"] = "true",
            ["Auth__ApiKey"] = AdminHttp.ApiKey,
        };
        foreach (var (key, value) in settings)
            all[key.Replace(":", "__", StringComparison.Ordinal)] = value;
        var server = new ServerNode($"{Topics.Prefix}{name}", roles, all, _lab.Logs, _lab.Ports);
        _servers.Add(server);
        return server;
    }

    /// <summary>Ends a server process as an operator would.</summary>
    public async Task StopAsync(ServerNode server)
    {
        await server.TerminateAsync();
        await server.DisposeAsync();
        _servers.Remove(server);
    }

    /// <summary>Opens campaigns by a process that ends again.</summary>
    public async Task OpenAsync(IReadOnlyList<string> campaigns, int quantity, CancellationToken cancel)
    {
        var opener = await StartAsync("opener", "api,machines", cancel);
        foreach (var id in campaigns)
            await OpenAsync(opener, id, quantity, cancel);
        await StopAsync(opener);
    }

    public static async Task OpenAsync(ServerNode server, string id, int quantity, CancellationToken cancel)
    {
        using var answer = await AdminHttp.Client.PutAsJsonAsync($"{server.Url}/api/campaigns/{id}", new { name = id, quantity }, cancel);
        if (answer.StatusCode != System.Net.HttpStatusCode.OK)
            throw new MeasureException($"campaign {id} was not opened: {(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(cancel)}");
    }

    /// <summary>The next offset of each command partition.</summary>
    public async Task<long[]> CommandEndsAsync(CancellationToken cancel)
    {
        var ends = new long[Partitions];
        for (var p = 0; p < Partitions; p++)
            ends[p] = (await Log.BoundsAsync(Topics.Commands, p, cancel)).End;
        return ends;
    }

    /// <summary>Everything in a topic's partitions, in memory.</summary>
    public async Task<IReadOnlyList<LogRecord>[]> ReadAllAsync(string topic, CancellationToken cancel)
    {
        var all = new IReadOnlyList<LogRecord>[Partitions];
        for (var p = 0; p < Partitions; p++)
        {
            var end = (await Log.BoundsAsync(topic, p, cancel)).End;
            var records = new List<LogRecord>((int)end);
            await using var reader = Log.Read(topic, p, 0);
            while (records.Count < end)
                records.AddRange(await reader.ReadAsync(10_000, 4 << 20, cancel));
            all[p] = records;
        }

        return all;
    }

    /// <summary>Nothing is decided any more: the state and the events are gone, the commands stay.</summary>
    public async Task ResetDecisionsAsync(CancellationToken cancel)
    {
        if (_log is not null)
            await _log.DisposeAsync();
        _log = null;
        await _lab.Stack.FlushRedisAsync(cancel);
        await DeleteAsync([Topics.Events], cancel);
    }

    /// <summary>An empty database.</summary>
    public async Task ResetLedgerAsync(CancellationToken cancel) =>
        await AdministerAsync([$"DROP DATABASE IF EXISTS {_database}", $"CREATE DATABASE {_database} CHARACTER SET utf8mb4"], cancel);

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers)
            await server.DisposeAsync();
        if (_log is not null)
            await _log.DisposeAsync();
        try
        {
            await DeleteAsync([Topics.Commands, Topics.Events, Topics.DeadLetters], CancellationToken.None);
            await _lab.Stack.FlushRedisAsync(CancellationToken.None);
            await AdministerAsync([$"DROP DATABASE IF EXISTS {_database}"], CancellationToken.None);
        }
        catch (Exception e) when (e is MeasureException or Chaos.ChaosException or KafkaException or Core.Ledger.LedgerUnavailableException)
        {
            // What is left takes room and disturbs nobody: the folder is wiped at the end.
            _lab.Say($"could not clean up after {Topics.Prefix}: {e.Message}");
        }
    }

    private async Task AdministerAsync(IReadOnlyList<string> statements, CancellationToken cancel)
    {
        using var ledger = new MySqlLedger(new MySqlOptions { ConnectionString = _lab.Stack.MySql, Writers = 1 });
        await ledger.RunAsync(connection =>
        {
            foreach (var statement in statements)
            {
                using var command = connection.CreateCommand();
                command.CommandText = statement;
                command.CommandTimeout = 120;
                command.ExecuteNonQuery();
            }

            return true;
        }, cancel);
    }

    private async Task DeleteAsync(IReadOnlyList<string> topics, CancellationToken cancel)
    {
        using var admin = KafkaTopics.Admin(Kafka);
        try
        {
            await admin.DeleteTopicsAsync(topics);
        }
        catch (DeleteTopicsException e) when (e.Results.All(r => !r.Error.IsError || r.Error.Code == ErrorCode.UnknownTopicOrPart))
        {
            // The server had not come to creating them.
        }

        // A topic of the same name can be created once the brokers have forgotten it.
        for (var until = Environment.TickCount64 + (long)DeletedWithin.TotalMilliseconds;
             admin.GetMetadata(Kafka.AdminTimeout).Topics.Exists(t => topics.Contains(t.Topic));)
        {
            if (Environment.TickCount64 > until)
                throw new MeasureException($"Kafka has not deleted {string.Join(", ", topics)} within {DeletedWithin.TotalSeconds:0} s");
            await Task.Delay(50, cancel);
        }
    }
}
