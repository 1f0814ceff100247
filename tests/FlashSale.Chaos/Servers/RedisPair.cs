using FlashSale.Chaos.Processes;

namespace FlashSale.Chaos.Servers;

/// <summary>A Redis and its replica, both with an AOF. Either may be the master.</summary>
internal sealed class RedisPair : IAsyncDisposable
{
    /// <summary>Room for the AOF of either node: a run of ten minutes at 1,000 claims/s writes some 150 MB.</summary>
    private const int DiskMegabytes = 512;

    private const int Nodes = 2;

    private static readonly TimeSpan ServingWithin = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan SyncedWithin = TimeSpan.FromSeconds(30);

    private readonly string _program;
    private readonly int[] _ports;
    private readonly ChildProcess[] _nodes;
    private readonly SmallDisk[] _disks;

    public RedisPair(string program, string folder, string logs, Ports ports)
    {
        _program = program;
        _ports = [.. Enumerable.Range(0, Nodes).Select(_ => ports.Next())];
        _nodes = [.. Enumerable.Range(0, Nodes).Select(n => new ChildProcess($"redis-{n + 1}", logs, () => LaunchOf(n)))];
        _disks = [.. Enumerable.Range(0, Nodes).Select(n => new SmallDisk(Path.Combine(folder, $"redis-{n + 1}"), DiskMegabytes))];
    }

    /// <summary>Number of the node that is the master.</summary>
    public int Master { get; private set; }

    public int Replica => 1 - Master;

    /// <summary>For <c>Redis:Endpoints</c>: clients ask both which one is the master.</summary>
    public string Endpoints => string.Join(',', _ports.Select(p => $"127.0.0.1:{p}"));

    public string MasterAddress => $"127.0.0.1:{_ports[Master]}";

    public SmallDisk MasterDisk => _disks[Master];

    public ChildProcess Node(int number) => _nodes[number];

    public async Task StartAsync(CancellationToken cancel)
    {
        foreach (var disk in _disks)
            await disk.MountAsync(cancel);
        for (var node = 0; node < Nodes; node++)
            await StartNodeAsync(node, cancel);
        await SyncedAsync(cancel);
    }

    /// <summary>Starts a node as what it is now: the master, or the replica of the other one.</summary>
    /// <returns>What had to be done for it; null as a rule.</returns>
    public async Task<string?> StartNodeAsync(int number, CancellationToken cancel)
    {
        _nodes[number].Start();
        try
        {
            await ServingAsync(number, cancel);
            return null;
        }
        catch (ChaosException e) when (e.Message.Contains("Bad file format", StringComparison.Ordinal))
        {
            // A short write on a full disk and a kill soon after can leave an AOF that Redis 7.0 itself does not load. Operators are told to throw it away.
            foreach (var folder in Directory.EnumerateDirectories(_disks[number].Folder, "appendonly*"))
                Directory.Delete(folder, recursive: true);
            _nodes[number].Start();
            await ServingAsync(number, cancel);
            return "its AOF could not be loaded any more and was thrown away";
        }
    }

    /// <summary>Waits until the replica follows the master; a promotion needs one that has been in step before.</summary>
    public Task SyncedAsync(CancellationToken cancel) => _nodes[Replica].ServingAsync(SyncedWithin, async () =>
    {
        var info = await RedisCall.SendAsync(_ports[Replica], "INFO replication");
        return info.Contains("master_link_status:up", StringComparison.Ordinal) ? null : "it does not follow its master";
    }, cancel);

    public Task<string> OnMasterAsync(string command) => RedisCall.SendAsync(_ports[Master], command);

    public Task<string> OnReplicaAsync(string command) => RedisCall.SendAsync(_ports[Replica], command);

    /// <summary>From now on the replica is the master; what becomes of the old one is the caller's doing.</summary>
    public async Task PromoteAsync()
    {
        await OnReplicaAsync("REPLICAOF NO ONE");
        Master = Replica;
    }

    /// <summary>Tells the node that is not the master, and thinks it is, to follow the master.</summary>
    public Task DemoteOtherAsync() => OnReplicaAsync($"REPLICAOF 127.0.0.1 {_ports[Master]}");

    /// <summary>Cuts a share off the end of what the master's AOF holds beyond its base. The master must not run.</summary>
    /// <returns>How many bytes are gone.</returns>
    public long CutTail(double share)
    {
        var file = new DirectoryInfo(MasterDisk.Folder).EnumerateFiles("*.aof", SearchOption.AllDirectories)
            .Where(f => !f.Name.Contains(".base.", StringComparison.Ordinal)).MaxBy(f => f.LastWriteTimeUtc)
            ?? throw new ChaosException("the master's AOF was not found");
        var cut = (long)(file.Length * share);
        using var stream = file.Open(FileMode.Open);
        stream.SetLength(stream.Length - cut);
        return cut;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
            await node.DisposeAsync();
        foreach (var disk in _disks)
            await disk.DisposeAsync();
    }

    private Task ServingAsync(int number, CancellationToken cancel) => _nodes[number].ServingAsync(ServingWithin, async () =>
    {
        try
        {
            return await RedisCall.SendAsync(_ports[number], "PING") == "+PONG" ? null : "it does not answer PING";
        }
        catch (ChaosException e)
        {
            return e.Message;
        }
    }, cancel);

    private Launch LaunchOf(int number)
    {
        List<string> arguments =
        [
            "--port", $"{_ports[number]}", "--bind", "127.0.0.1", "--dir", _disks[number].Folder, "--save", "", "--appendonly", "yes", "--appendfsync", "everysec",
            "--maxmemory-policy", "noeviction", "--repl-diskless-sync-delay", "0", "--repl-timeout", "10",
        ];
        if (number != Master)
            arguments.AddRange(["--replicaof", "127.0.0.1", $"{_ports[Master]}"]);
        return new Launch(_program, arguments, new Dictionary<string, string>());
    }
}
