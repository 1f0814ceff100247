using System.Text.Json;

namespace FlashSale.Cli.Storm.Reports;

/// <summary>The reports that <c>--json</c> writes.</summary>
internal static class ReportFile
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static Task WriteAsync(string file, StormReport report) =>
        File.WriteAllTextAsync(file, JsonSerializer.Serialize(report, Json), CancellationToken.None);

    /// <exception cref="CliException">There is no such file, or it is no report.</exception>
    public static async Task<StormReport> ReadAsync(string file, CancellationToken cancellation)
    {
        try
        {
            string text = await File.ReadAllTextAsync(file, cancellation);
            return JsonSerializer.Deserialize<StormReport>(text, Json) ?? throw new CliException($"{file} is not a report of a storm: it says null.");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CliException($"{file}: {e.Message}", e);
        }
        catch (JsonException e)
        {
            throw new CliException($"{file} is not a report of a storm (as --json writes it): {e.Message.ReplaceLineEndings(" ")}", e);
        }
    }
}
