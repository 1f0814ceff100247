namespace FlashSale.Simulation.Oracle;

/// <summary>I9: what is not as far as the log.</summary>
internal static class Lag
{
    /// <summary>The first thing that is behind, or null.</summary>
    public static string? Of(World world)
    {
        for (var p = 0; p < world.Partitions; p++)
        {
            var last = world.Oracle.Truth[p].Records.Count - 1;
            if (world.Oracle.Told(p) < last)
                return $"partition {p}: told {world.Oracle.Told(p)} of {last}";
            var applied = world.States[p].Current.ReadPartitionAsync(p, world.LogId).Result?.Applied.Offset;
            if (applied != last)
                return $"partition {p}: the state has applied {applied?.ToString() ?? "nothing"} of {last}";
            var written = world.Database.Mark(p)?.Written.Offset ?? 0;
            if (written < last)
                return $"partition {p}: the ledger has written {written} of {last}";
            foreach (var node in world.Nodes.Where(n => !n.IsDead))
            {
                if (node.Door.Partitions[p] is var door && (door.NotReady is not null || door.Mark < last))
                    return $"partition {p}: the door of {node.Name} is at {door.Mark} of {last} ({door.NotReady ?? "ready"})";
            }
        }

        return null;
    }
}
