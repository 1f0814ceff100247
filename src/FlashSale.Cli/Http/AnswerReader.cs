using System.Text;
using System.Text.Json;

namespace FlashSale.Cli.Http;

/// <summary>How a claim stands, as its ticket says.</summary>
internal enum DecisionState
{
    Unreadable,
    Waiting,
    Issued,
    Refused,
}

/// <summary>Takes out of the server's JSON what the storm needs, without making objects of the rest.</summary>
internal static class AnswerReader
{
    private const int ShownMax = 160;

    /// <summary>The value of a property of the outermost object, as it stands in the buffer; empty when it is missing, escaped or not a string.</summary>
    public static ReadOnlySpan<byte> Property(ReadOnlySpan<byte> body, ReadOnlySpan<byte> name)
    {
        var reader = new Utf8JsonReader(body);
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
                return default;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                bool found = reader.ValueTextEquals(name);
                if (!reader.Read())
                    return default;
                if (found)
                    return reader.TokenType == JsonTokenType.String && !reader.ValueIsEscaped ? reader.ValueSpan : default;
                reader.Skip();
            }
        }
        catch (JsonException)
        {
            // Not JSON: the caller treats that like a missing property, as an answer it cannot read.
            return default;
        }
        return default;
    }

    /// <summary>The code of a refusal (RFC 9457 problem details).</summary>
    public static ReadOnlySpan<byte> ProblemCode(ReadOnlySpan<byte> body) => Property(body, "code"u8);

    /// <summary>Reads the state of a claim, with its reason or its coupon code.</summary>
    public static DecisionState Decision(ReadOnlySpan<byte> body, out ReadOnlySpan<byte> detail)
    {
        detail = default;
        ReadOnlySpan<byte> state = Property(body, "state"u8);
        if (state.SequenceEqual("waiting"u8))
            return DecisionState.Waiting;
        if (state.SequenceEqual("issued"u8))
        {
            detail = Property(body, "couponCode"u8);
            return detail.IsEmpty ? DecisionState.Unreadable : DecisionState.Issued;
        }
        if (!state.SequenceEqual("refused"u8))
            return DecisionState.Unreadable;
        detail = Property(body, "reason"u8);
        return detail.IsEmpty ? DecisionState.Unreadable : DecisionState.Refused;
    }

    /// <summary>The codes of the coupons of one campaign in a list of coupons, however the list is wrapped.</summary>
    public static bool TryReadCoupons(ReadOnlySpan<byte> body, string campaignId, List<string> codes)
    {
        try
        {
            var reader = new Utf8JsonReader(body);
            using JsonDocument document = JsonDocument.ParseValue(ref reader);
            CollectCoupons(document.RootElement, campaignId, codes);
            return true;
        }
        catch (JsonException)
        {
            // The caller counts the user as not looked up, and the verdict says so.
            return false;
        }
    }

    /// <summary>An answer in one short line, for messages.</summary>
    public static string Describe(int status, ReadOnlySpan<byte> body)
    {
        string text = Encoding.UTF8.GetString(body[..Math.Min(body.Length, ShownMax)]).ReplaceLineEndings(" ").Trim();
        return text.Length == 0 ? $"{status}" : $"{status} {text}";
    }

    private static void CollectCoupons(JsonElement element, string campaignId, List<string> codes)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (JsonElement item in element.EnumerateArray())
                CollectCoupons(item, campaignId, codes);
        }
        else if (element.ValueKind == JsonValueKind.Object)
        {
            if (Text(element, "campaignId", "campaign") == campaignId && Text(element, "couponCode", "code") is { } code)
                codes.Add(code);
            foreach (JsonProperty property in element.EnumerateObject())
                CollectCoupons(property.Value, campaignId, codes);
        }
    }

    private static string? Text(JsonElement element, string name, string otherName)
    {
        if (!element.TryGetProperty(name, out JsonElement value) && !element.TryGetProperty(otherName, out value))
            return null;
        return value.ValueKind == JsonValueKind.String ? value.GetString() : null;
    }
}
