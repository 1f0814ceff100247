using FlashSale.Cli;

// Answers are handled on the thread that receives them: one hand-over less per request of the storm.
// It is read when the first socket is made, so it has to stand before everything else.
const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";
if (Environment.GetEnvironmentVariable(InlineCompletions) is null)
    Environment.SetEnvironmentVariable(InlineCompletions, "1");

return await CommandLine.RunAsync(args, Console.Out, Console.Error);
