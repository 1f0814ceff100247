using FlashSale.Measure.Running;

namespace FlashSale.Measure.Tests;

public sealed class LabTests
{
    [Fact]
    public void SpareSeconds_LeavesOutWhatWasSpentBeforeAndWhatLaterRowsTake()
    {
        var spent = TimeSpan.FromMinutes(4);
        var lab = new Lab(new Stack("", "", "", new Dictionary<string, int>()), Plan.Full, "", spent, TextWriter.Null) { SecondsForLater = 300 };
        var left = (Plan.Full.Deadline - spent).TotalSeconds;
        Assert.InRange(lab.SecondsLeft, left - 10, left);
        Assert.InRange(lab.SpareSeconds, left - 310, left - 300);
    }
}
