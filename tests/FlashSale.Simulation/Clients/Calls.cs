using FlashSale.Simulation.Nodes;

namespace FlashSale.Simulation.Clients;

/// <summary>A request had no answer: the process died, or was too slow.</summary>
internal sealed class NoAnswerException : Exception;

/// <summary>Requests to processes.</summary>
internal static class Calls
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(12);

    /// <summary>Runs a request in its process; ends with its answer, or with none.</summary>
    /// <exception cref="NoAnswerException">The process died, or the answer took too long. The request may go on there.</exception>
    public static async Task<T> AskAsync<T>(this Node node, World world, Func<Task<T>> request)
    {
        if (node.IsDead)
            throw new NoAnswerException();
        var answer = new TaskCompletionSource<T>();
        node.OnDeath(() => answer.TrySetException(new NoAnswerException()));
        world.Domain.Start(async () =>
        {
            await world.Domain.DelayAsync(Patience);
            answer.TrySetException(new NoAnswerException());
        });
        node.Domain.Start(async () =>
        {
            try
            {
                var result = await request();
                answer.TrySetResult(result);
            }
            catch (ViolationException violation)
            {
                answer.TrySetException(violation);
            }
        });
        return await answer.Task;
    }
}
