return FlashSale.Simulation.CommandLine.Run(args, Console.Out, Console.Error);
