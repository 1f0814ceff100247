using System.Text.Json;

namespace FlashSale.Server.Tests;

/// <summary>One server-sent event.</summary>
public sealed record EventText(string Name, JsonElement Data)
{
    public static List<EventText> Parse(string text) =>
        [.. text.Split("\n\n", StringSplitOptions.RemoveEmptyEntries).Where(e => !e.StartsWith(':')).Select(One)];

    private static EventText One(string text)
    {
        var lines = text.Split('\n');
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("event: ", lines[0], StringComparison.Ordinal);
        Assert.StartsWith("data: ", lines[1], StringComparison.Ordinal);
        return new EventText(lines[0]["event: ".Length..], JsonDocument.Parse(lines[1]["data: ".Length..]).RootElement);
    }

    /// <summary>Reads the next event of an open stream; comments are skipped.</summary>
    public static async Task<EventText?> ReadAsync(StreamReader reader, TimeSpan wait)
    {
        using var timeout = new CancellationTokenSource(wait);
        var lines = new List<string>();
        while (await reader.ReadLineAsync(timeout.Token) is { } line)
        {
            if (line.Length > 0)
            {
                if (!line.StartsWith(':'))
                    lines.Add(line);
            }
            else if (lines.Count > 0)
            {
                return One(string.Join('\n', lines));
            }
        }

        return null;
    }
}
