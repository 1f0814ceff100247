using System.Diagnostics.CodeAnalysis;

namespace FlashSale.Simulation.Nodes;

/// <summary>
/// A consumer group: says which process runs which partition. It finds out late that a process is gone, and a process finds
/// out late that it has lost a partition.
/// </summary>
internal sealed class Group(World world, string role, Func<Node, int, CancellationToken, Task> run)
{
    private static readonly TimeSpan SessionTimeout = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan RebalanceInterval = TimeSpan.FromMilliseconds(500);

    private readonly Member?[] _members = new Member?[world.Partitions];
    private readonly List<Member> _zombies = [];

    /// <summary>Gives partitions that nobody has to somebody, again and again.</summary>
    public async Task RunAsync()
    {
        while (true)
        {
            for (var p = 0; p < _members.Length; p++)
            {
                if (_members[p] is null)
                    Assign(p);
                else if (_members[p]!.Node.IsDead)
                    await LoseAsync(p);
            }

            await world.Domain.DelayAsync(RebalanceInterval);
        }
    }

    /// <summary>Takes a partition away in order: it is told to the end before it is given on.</summary>
    public async Task MoveAsync(int partition)
    {
        if (_members[partition] is not { } member)
            return;
        world.Trace(role, $"{partition} is taken from {member.Node.Name}");
        member.Stop();
        await Task.WhenAny(member.Ended.Task, world.Domain.DelayAsync(SessionTimeout));
        if (_members[partition] == member)
            Release(partition);
    }

    /// <summary>Takes a partition away; its owner hears of it later.</summary>
    public void Steal(int partition)
    {
        if (_members[partition] is not { } member)
            return;
        world.Trace(role, $"{partition} is stolen from {member.Node.Name}");
        Release(partition);
        Assign(partition, except: member.Node);
    }

    /// <summary>What has lost its partition without knowing hears of it.</summary>
    public void StopZombies()
    {
        _zombies.ForEach(static z => z.Stop());
    }

    /// <summary>All partitions of a process are taken away, and it does not hear of it.</summary>
    public void Expel(Node node)
    {
        for (var p = 0; p < _members.Length; p++)
        {
            if (_members[p]?.Node == node)
                Steal(p);
        }
    }

    private async Task LoseAsync(int partition)
    {
        var member = _members[partition];
        if (world.Faults.IsActive)
            await world.Domain.DelayAsync(world.Random.Between(TimeSpan.Zero, SessionTimeout));
        if (_members[partition] == member)
            Release(partition);
    }

    private void Release(int partition)
    {
        var member = _members[partition]!;
        _members[partition] = null;
        if (member.Ended.Task.IsCompleted || member.Node.IsDead)
            return;
        _zombies.Add(member);
        world.Domain.Start(() => StopLaterAsync(member));
    }

    private async Task StopLaterAsync(Member zombie)
    {
        await world.Domain.DelayAsync(world.Random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(15)));
        zombie.Stop();
    }

    private void Assign(int partition, Node? except = null)
    {
        _zombies.RemoveAll(static z => z.Ended.Task.IsCompleted || z.Node.IsDead);
        var free = world.Nodes.Where(n => !n.IsDead && !n.Domain.IsPaused && n != except && !_zombies.Exists(z => z.Node == n && z.Partition == partition)).ToList();
        if (free.Count == 0)
            return;
        var member = new Member(world.Random.Of(free), partition);
        world.Trace(role, $"{partition} is given to {member.Node.Name}");
        _members[partition] = member;
        member.Node.Domain.Start(async () =>
        {
            await run(member.Node, partition, member.Token);
            member.Ended.TrySetResult();
        });
    }

    [SuppressMessage("Design", "CA1001", Justification = "Nothing of a simulation outlives the run.")]
    private sealed class Member(Node node, int partition)
    {
        private readonly CancellationTokenSource _stop = new();

        public Node Node => node;

        public int Partition => partition;

        public CancellationToken Token => _stop.Token;

        public TaskCompletionSource Ended { get; } = new();

        public void Stop() => node.Domain.Post(_ => _stop.Cancel(), null);
    }
}
