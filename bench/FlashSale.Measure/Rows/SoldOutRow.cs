using FlashSale.Measure.Running;
using FlashSale.Measure.Twins;

namespace FlashSale.Measure.Rows;

/// <summary>Claims refused at the door after everything is issued.</summary>
internal sealed class SoldOutRow : IRow
{
    public string Name => "sold-out";

    public string Title => "claims refused at the door after sold out";

    public int Seconds(Plan plan) => 20 + 2 * plan.WarmUpSeconds + 2 * plan.Rounds * (plan.DoorSeconds + 3);

    public async Task<RowResult> MeasureAsync(Lab lab, CancellationToken cancel)
    {
        var plan = lab.Plan;
        var campaigns = Installation.CampaignsOnPartitions(1);
        var (ours, twins) = (new List<double>(), new List<double>());
        await using var twin = await DoorTwinNode.StartAsync(lab, cancel);
        await using var installation = await Installation.CreateAsync(lab, cancel);
        var server = await installation.StartAsync("server", "api,machines", cancel);
        await Installation.OpenAsync(server, campaigns[0], 1, cancel);
        // Whoever is first gets the only one; the warm-up goes on with refusals.
        await lab.FullLoadAsync(server.Url, campaigns, 1, lab.Processes(server), cancel);
        await CatchUp.DecidedAsync(server.Url, cancel);
        await installation.StopAsync(server);
        var door = await installation.StartAsync("api", "api", cancel);
        await lab.FullLoadAsync(twin.Url, campaigns, plan.WarmUpSeconds, twin.Processes, cancel);
        await lab.FullLoadAsync(door.Url, campaigns, plan.WarmUpSeconds, lab.Processes(door), cancel);
        for (var round = 1; round <= plan.Rounds; round++)
        {
            twins.Add((await lab.FullLoadAsync(twin.Url, campaigns, plan.DoorSeconds, twin.Processes, cancel)).AcceptedPerSecond);
            var window = await lab.FullLoadAsync(door.Url, campaigns, plan.DoorSeconds, lab.Processes(door), cancel);
            if (window.Accepted > 0)
                throw new MeasureException($"{window.Accepted:N0} claims were accepted although everything is issued");
            ours.Add(window.RefusedPerSecond);
            lab.Say($"  round {round} of {plan.Rounds}: twin {twins[^1]:N0}/s, ours {ours[^1]:N0}/s");
        }

        return this.Result(new Figure("refused at the door after sold out, Roles=api", "claims/s", ours, twins, Goal.RatioAtLeast, 0.9));
    }
}
