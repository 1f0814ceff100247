using FlashSale.Measure;

return await MeasureCommand.RunAsync(args);
