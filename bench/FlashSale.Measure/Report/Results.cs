using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace FlashSale.Measure.Report;

/// <summary>Everything that was measured, as it is kept beside the page that is made of it.</summary>
internal sealed record Results(string Machine, IReadOnlyList<string> Versions, IReadOnlyList<RowResult> Rows)
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    /// <summary>Claims a second that were held for a minute; null where none were, or that was not measured.</summary>
    [JsonIgnore]
    public double? SustainedRate => Rows.FirstOrDefault(r => r.Row == Measure.Rows.SustainedRow.RowName)?.Figures is [{ Ours: [> 0 and var rate] }, ..] ? rate : null;

    /// <summary>Null where there are none yet.</summary>
    /// <exception cref="MeasureException">The file cannot be read.</exception>
    public static Results? Read(string path)
    {
        if (!File.Exists(path))
            return null;
        try
        {
            return JsonSerializer.Deserialize<Results>(File.ReadAllText(path), Json);
        }
        catch (JsonException e)
        {
            throw new MeasureException($"{path} cannot be read ({e.Message}); remove it and measure all rows anew", e);
        }
    }

    public void Write(string path) => File.WriteAllText(path, JsonSerializer.Serialize(this, Json) + "\n");

    /// <summary>
    /// These rows in the place of older ones of the same name, in the order given; one that could not be measured leaves its older figures.
    /// Null where one of the usual rows would stay that is of another machine: figures of one page are to be compared.
    /// </summary>
    public Results? Over(Results? older, IReadOnlyList<string> order, IReadOnlyList<string> usual)
    {
        if (older?.Machine != Machine)
        {
            if (older?.Rows.Any(o => usual.Contains(o.Row) && Rows.All(r => r.Row != o.Row)) == true)
                return null;
            older = null;
        }

        var mine = Rows.Where(r => r.Failure is null || older?.Rows.Any(o => o.Row == r.Row) != true).ToList();
        var kept = (older?.Rows ?? []).Where(o => mine.TrueForAll(r => r.Row != o.Row));
        return this with { Rows = [.. mine.Concat(kept).OrderBy(r => order.ToList().IndexOf(r.Row))] };
    }
}
