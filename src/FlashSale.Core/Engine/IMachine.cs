using FlashSale.Core.Log;

namespace FlashSale.Core.Engine;

/// <summary>What the engine must know of a machine: where its log is, and how to look a command record over.</summary>
public interface IMachine
{
    MachineTopics Topics { get; }

    /// <summary>Looks over a command record without deciding anything.</summary>
    CommandRecordInfo Inspect(ReadOnlySpan<byte> record);

    /// <summary>The machine's rules with an empty state.</summary>
    IMachineModel NewModel();
}

/// <summary>The rules of a machine in plain C#, and the state of one partition: a pure function of the records applied to it.</summary>
public interface IMachineModel
{
    /// <summary>Decides a record; returns its outcomes in the machine's layout.</summary>
    /// <param name="info">What <see cref="IMachine.Inspect"/> said of it; not <see cref="CommandRecordState.NewerVersion"/>.</param>
    byte[] Apply(long offset, CommandRecordInfo info, ReadOnlySpan<byte> record);
}
