using System.Security.Cryptography;
using System.Text;

namespace FlashSale.Redis;

/// <summary>A Lua script of this build, with the shared pieces that it names put in their places.</summary>
internal sealed class RedisScript
{
    private const string IncludeMark = "--- include ";

    public static readonly RedisScript CouponApply = new("coupon-apply.lua");
    public static readonly RedisScript CouponReadPartition = new("coupon-read-partition.lua");
    public static readonly RedisScript CouponReadClaim = new("coupon-read-claim.lua");
    public static readonly RedisScript CouponReadUser = new("coupon-read-user.lua");
    public static readonly RedisScript AuditCut = new("audit-cut.lua");
    public static readonly RedisScript AuditUsers = new("audit-users.lua");
    public static readonly RedisScript AuditScan = new("audit-scan.lua");
    public static readonly RedisScript Reset = new("reset.lua");
    public static readonly RedisScript TakeOver = new("take-over.lua");

    /// <summary>All of them, in the order of loading: a server that knows the last one knows every other.</summary>
    public static readonly IReadOnlyList<RedisScript> All = [CouponApply, CouponReadPartition, CouponReadClaim, CouponReadUser, AuditCut, AuditUsers, AuditScan, Reset, TakeOver];

    private RedisScript(string name)
    {
        Name = name;
        Text = Read(name);
#pragma warning disable CA5350 // Redis names scripts by their SHA-1.
        Hash = SHA1.HashData(Encoding.UTF8.GetBytes(Text));
#pragma warning restore CA5350
    }

    public string Name { get; }

    public string Text { get; }

    /// <summary>What EVALSHA calls it by.</summary>
    public byte[] Hash { get; }

    private static string Read(string name)
    {
        using var stream = typeof(RedisScript).Assembly.GetManifestResourceStream($"lua/{name}")
            ?? throw new InvalidOperationException($"this build lacks the script lua/{name}");
        using var reader = new StreamReader(stream, Encoding.UTF8);
        var text = new StringBuilder();
        while (reader.ReadLine() is { } line)
            text.Append(line.StartsWith(IncludeMark, StringComparison.Ordinal) ? Read(line[IncludeMark.Length..]) : line + "\n");
        return text.ToString();
    }
}
