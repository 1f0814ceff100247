using FlashSale.Chaos;

return await ChaosCommand.RunAsync(args);
