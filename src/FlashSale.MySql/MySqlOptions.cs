using System.ComponentModel.DataAnnotations;
using FlashSale.Core.Configuration;

namespace FlashSale.MySql;

/// <summary>How the connection to the database is protected.</summary>
public enum MySqlTls
{
    /// <summary>As the connection string says; the driver's default is <see cref="Preferred"/>.</summary>
    Unspecified = 0,

    /// <summary>Never.</summary>
    Off = 1,

    /// <summary>Where the server offers it; its certificate is not checked.</summary>
    Preferred = 2,

    /// <summary>Always; the server's certificate is not checked.</summary>
    Required = 3,

    /// <summary>Always, with a certificate of a trusted authority.</summary>
    VerifyCA = 4,

    /// <summary>Always, with a certificate of a trusted authority for the server's name.</summary>
    VerifyFull = 5,
}

/// <summary>Where the ledger's database is (section <c>MySql</c>). MySQL 8 or MariaDB 10.6 and newer.</summary>
public sealed class MySqlOptions : IOptionsRules
{
    public const string Section = "MySql";

    /// <summary>Server, port, database and user, as <c>Server=…;Port=3306;Database=flashsale;User Id=…;Password=…</c>. No default.</summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>The password, where it is kept apart from the connection string. Default: none.</summary>
    public string? Password { get; set; }

    /// <summary>Default: as the connection string says.</summary>
    public MySqlTls Tls { get; set; }

    /// <summary>How long a statement may take (default 15 s). A transaction that takes longer is given up and tried again.</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:10:00")]
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long connecting may take (default 5 s).</summary>
    [Range(typeof(TimeSpan), "00:00:01", "00:01:00")]
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Transactions at a time, each with a connection and a thread (default 4).</summary>
    [Range(1, 64)]
    public int Writers { get; set; } = 4;

    public IEnumerable<string> Validate()
    {
        if (ProblemOfConnectionString() is { } problem)
            yield return $"{Section}:ConnectionString {problem}; expected: Server=HOST;Port=3306;Database=NAME;User Id=USER;Password=SECRET";
    }

    internal MySqlConnectionStringBuilder ToBuilder()
    {
        var builder = new MySqlConnectionStringBuilder(ConnectionString)
        {
            DefaultCommandTimeout = (uint)Math.Ceiling(CommandTimeout.TotalSeconds),
            ConnectionTimeout = (uint)Math.Ceiling(ConnectTimeout.TotalSeconds),
            CharacterSet = "utf8mb4",
            // Of migrations; else the drivers take @name for a parameter.
            AllowUserVariables = true,
        };
        if (Password is { Length: > 0 })
            builder.Password = Password;
        if (Tls != MySqlTls.Unspecified)
            builder.SslMode = Mode(Tls);
        return builder;
    }

    private static MySqlSslMode Mode(MySqlTls tls) => tls switch
    {
        MySqlTls.Off => MySqlSslMode.None,
        MySqlTls.Preferred => MySqlSslMode.Preferred,
        MySqlTls.Required => MySqlSslMode.Required,
        MySqlTls.VerifyCA => MySqlSslMode.VerifyCA,
        _ => MySqlSslMode.VerifyFull,
    };

    private string? ProblemOfConnectionString()
    {
        if (string.IsNullOrWhiteSpace(ConnectionString))
            return "is missing";
        try
        {
            var builder = new MySqlConnectionStringBuilder(ConnectionString);
            return builder.Server.Length == 0 ? "names no server" : builder.Database.Length == 0 ? "names no database" : null;
        }
        catch (Exception e) when (e is ArgumentException or FormatException or OverflowException or KeyNotFoundException or InvalidOperationException)
        {
            // The driver's message repeats the key only; the value may hold the password.
            return $"cannot be read ({e.Message})";
        }
    }
}
