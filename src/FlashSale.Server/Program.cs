using FlashSale.Server.Hosting;

return await ServerHost.RunAsync(args);
