using FlashSale.Cli;

// Answers are handled on the thread that receives them: one hand-over less per request of the storm.
// It is read when the first socket is made, so it has to stand before everything else.
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");

return await CommandLine.RunAsync(args, Console.Out, Console.Error);
