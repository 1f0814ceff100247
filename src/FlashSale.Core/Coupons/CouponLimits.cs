namespace FlashSale.Core.Coupons;

/// <summary>Bounds of the coupon machine. They are part of the rules: changing one needs a new rules version.</summary>
public static class CouponLimits
{
    public const int QuantityMax = 100_000_000;

    public const int PerUserMax = 1_000;

    /// <summary>Changes kept per campaign; each is needed for ever to answer tickets by the settings in force at their address.</summary>
    public const int ChangesMax = 1_000;

    /// <summary>Campaign numbers have 24 bits in a coupon code, shared by all partitions.</summary>
    public const int CampaignNumbers = 1 << 24;

    /// <summary>Bytes of a campaign's description (name and discount as JSON).</summary>
    public const int DescriptionBytesMax = 4_096;

    /// <summary>Commands in one record: the outcomes of 2,000 claims are at most 10 KB beside 172 KB of commands, both far below Kafka's 1 MB per record.</summary>
    public const int RecordCommandsMax = 2_000;

    /// <summary>Bytes of one command record. An event holds the record, its outcomes (5 bytes a command) and at most 51 bytes for each campaign in it.</summary>
    public const int RecordBytesMax = 400_000;

    /// <summary>Campaigns named in one record: with 51 bytes of state for each in the event, 2,000 of them stay below 110 KB.</summary>
    public const int RecordCampaignsMax = 2_000;
}
