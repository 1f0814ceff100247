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
public sealed class MySqlOptions
{
    public const string Section = "MySql";

    /// <summary>Server, port, database and user, as <c>Server=…;Port=3306;Database=flashsale;User Id=…;Password=…</c>. No default.</summary>
    public string ConnectionString { get; set; } = "";

    /// <summary>The password, where it is kept apart from the connection string. Default: none.</summary>
    public string? Password { get; set; }

    /// <summary>Default: as the connection string says.</summary>
    public MySqlTls Tls { get; set; }

    /// <summary>How long a statement may take (default 15 s; 1 s to 10 min). A transaction that takes longer is given up and tried again.</summary>
    public TimeSpan CommandTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>How long connecting may take (default 5 s; 1 s to 1 min).</summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Transactions at a time, each with a connection and a thread (default 4; 1 to 64).</summary>
    public int Writers { get; set; } = 4;

    /// <summary>What is wrong, one line for each key with its allowed range; empty where all is well.</summary>
    public IEnumerable<string> Validate()
    {
        if (ProblemOfConnectionString() is { } problem)
            yield return $"MySql:ConnectionString {problem}; expected: Server=HOST;Port=3306;Database=NAME;User Id=USER;Password=SECRET";
        if (!Enum.IsDefined(Tls))
            yield return $"MySql:Tls is {Tls}; allowed: {string.Join(", ", Enum.GetNames<MySqlTls>())}";
        if (CommandTimeout < TimeSpan.FromSeconds(1) || CommandTimeout > TimeSpan.FromMinutes(10))
            yield return $"MySql:CommandTimeout is {CommandTimeout}; allowed: 00:00:01 to 00:10:00";
        if (ConnectTimeout < TimeSpan.FromSeconds(1) || ConnectTimeout > TimeSpan.FromMinutes(1))
            yield return $"MySql:ConnectTimeout is {ConnectTimeout}; allowed: 00:00:01 to 00:01:00";
        if (Writers is < 1 or > 64)
            yield return $"MySql:Writers is {Writers}; allowed: 1 to 64";
    }

    internal MySqlConnectionStringBuilder ToBuilder()
    {
        var builder = new MySqlConnectionStringBuilder(ConnectionString)
        {
            DefaultCommandTimeout = (uint)Math.Ceiling(CommandTimeout.TotalSeconds),
            ConnectionTimeout = (uint)Math.Ceiling(ConnectTimeout.TotalSeconds),
            CharacterSet = "utf8mb4",
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
