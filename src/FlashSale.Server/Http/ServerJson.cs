using System.Text.Json;
using System.Text.Json.Serialization;
using FlashSale.Server.Coupons;
using FlashSale.Server.Live;
using FlashSale.Server.Operations;

namespace FlashSale.Server.Http;

/// <summary>The JSON of every request and answer, generated at build time.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull, NumberHandling = JsonNumberHandling.Strict)]
[JsonSerializable(typeof(Problem))]
[JsonSerializable(typeof(ClaimRequest))]
[JsonSerializable(typeof(ClaimAccepted))]
[JsonSerializable(typeof(ClaimResponse))]
[JsonSerializable(typeof(PositionEvent))]
[JsonSerializable(typeof(CampaignRequest))]
[JsonSerializable(typeof(CampaignResponse))]
[JsonSerializable(typeof(CampaignPage))]
[JsonSerializable(typeof(CampaignDescription))]
[JsonSerializable(typeof(UserCouponsResponse))]
[JsonSerializable(typeof(ClaimEvent))]
[JsonSerializable(typeof(PartitionsResponse))]
[JsonSerializable(typeof(DeadLettersResponse))]
[JsonSerializable(typeof(HealthResponse))]
internal sealed partial class ServerJson : JsonSerializerContext;
