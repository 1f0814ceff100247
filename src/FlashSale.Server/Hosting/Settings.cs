using FlashSale.Core.Configuration;
using FlashSale.Core.Door;
using FlashSale.Core.Engine;
using FlashSale.Core.Ledger;
using FlashSale.Kafka;
using FlashSale.MySql;
using FlashSale.Redis;
using FlashSale.Server.Auth;
using FlashSale.Server.Live;

namespace FlashSale.Server.Hosting;

/// <summary>All settings of a process, read and checked before anything starts.</summary>
public sealed class Settings
{
    private readonly List<string> _errors = [];

    private Settings(IConfiguration configuration, bool development)
    {
        Server = Bind<ServerOptions>(configuration, "");
        Kafka = Bind<KafkaOptions>(configuration, KafkaOptions.Section);
        Redis = Bind<RedisOptions>(configuration, RedisOptions.Section);
        MySql = Bind<MySqlOptions>(configuration, MySqlOptions.Section);
        Door = Bind<DoorOptions>(configuration, DoorOptions.Section);
        Engine = Bind<EngineOptions>(configuration, EngineOptions.Section);
        Streamiz = Bind<StreamizOptions>(configuration, StreamizOptions.Section);
        Ledger = Bind<LedgerOptions>(configuration, LedgerOptions.Section);
        Auth = Bind<AuthOptions>(configuration, AuthOptions.Section);
        Tickets = Bind<TicketOptions>(configuration, TicketOptions.Section);
        Live = Bind<LiveOptions>(configuration, LiveOptions.Section);

        Check("", Server);
        // What a process needs follows from these two; one that is misspelled must not bring errors of others.
        if (Server.TryRoles(out var roles) & Server.TryProfile(out var profile))
            CheckServers(roles, profile);
        Roles = roles;
        Profile = profile;
        Server.TryEngine(profile, out var engine);
        EngineKind = engine;
        CheckOthers(development);
    }

    public ServerOptions Server { get; }

    public KafkaOptions Kafka { get; }

    public RedisOptions Redis { get; }

    public MySqlOptions MySql { get; }

    public DoorOptions Door { get; }

    public EngineOptions Engine { get; }

    public StreamizOptions Streamiz { get; }

    public LedgerOptions Ledger { get; }

    public AuthOptions Auth { get; }

    public TicketOptions Tickets { get; }

    public LiveOptions Live { get; }

    public Roles Roles { get; }

    public Profile Profile { get; }

    /// <summary>What runs the machines in this process.</summary>
    public EngineKind EngineKind { get; }

    /// <summary>The keys that tickets are signed with; the first one signs.</summary>
    public List<(byte Id, byte[] Secret)> TicketKeys { get; private set; } = [];

    /// <exception cref="SettingsException">Something is missing or out of range; one line for each.</exception>
    public static Settings Read(IConfiguration configuration, bool development)
    {
        var settings = new Settings(configuration, development);
        return settings._errors.Count == 0 ? settings : throw new SettingsException(settings._errors);
    }

    private void CheckServers(Roles roles, Profile profile)
    {
        if (profile == Profile.Servers)
            Check(KafkaOptions.Section, Kafka);
        if (profile != Profile.Embedded)
            Check(RedisOptions.Section, Redis);
        if (profile != Profile.Embedded && roles.HasFlag(Roles.Ledger))
            Check(MySqlOptions.Section, MySql);
    }

    private void CheckOthers(bool development)
    {
        Check(DoorOptions.Section, Door);
        Check(EngineOptions.Section, Engine);
        Check(StreamizOptions.Section, Streamiz);
        Check(LedgerOptions.Section, Ledger);
        Check(LiveOptions.Section, Live);
        Check(AuthOptions.Section, Auth);
        _errors.AddRange(Auth.Validate(development));
        CheckTickets(development);
    }

    private void Check(string section, object options) => _errors.AddRange(OptionsCheck.Run(section, options));

    private void CheckTickets(bool development)
    {
        var keys = Tickets.Keys.Length == 0 && development ? TicketOptions.DevelopmentKeys : Tickets.Keys;
        if (keys.Length == 0)
            _errors.Add("Tickets:Keys is missing; outside Development it must be set: id:base64 of 16 bytes or more");
        else if (TicketOptions.Parse(keys) is { } parsed)
            TicketKeys = parsed;
        else
            _errors.Add("Tickets:Keys is malformed; allowed: id:base64, comma-separated, ids 0 to 255 and each once, secrets of 16 bytes or more");
    }

    /// <summary>Says which key cannot be read, and what it may be: the binder's own message does not know that.</summary>
    private static string? Unbound<T>(IConfiguration configuration, string section)
    {
        foreach (var given in configuration.GetSection(section).GetChildren())
        {
            var property = Array.Find(typeof(T).GetProperties(), p => p.CanWrite && string.Equals(p.Name, given.Key, StringComparison.OrdinalIgnoreCase));
            if (property is null)
                return $"{section}:{given.Key} is not a setting; {section} has {string.Join(", ", typeof(T).GetProperties().Where(p => p.CanWrite).Select(p => p.Name))}";
            var type = property.PropertyType;
            if (type.IsEnum ? !Enum.TryParse(type, given.Value, ignoreCase: true, out _) : !System.ComponentModel.TypeDescriptor.GetConverter(type).IsValid(given.Value!))
                return $"{section}:{property.Name} is '{given.Value}'; allowed: {OptionsCheck.Allowed(property)}";
        }

        return null;
    }

    /// <summary>A section's keys without its own value: a setting of the top level may have the section's name (<c>Engine</c>), and the binder takes either for the other.</summary>
    private static IConfigurationRoot KeysOf(IConfigurationSection section) =>
        new ConfigurationBuilder().AddInMemoryCollection(section.AsEnumerable(makePathsRelative: true).Where(p => p.Key.Length > 0)).Build();

    private T Bind<T>(IConfiguration configuration, string section) where T : class, new()
    {
        var options = new T();
        try
        {
            // Unknown keys are typing errors, but at the top level everybody's keys stand.
            (section.Length == 0 ? configuration : KeysOf(configuration.GetSection(section))).Bind(options, b => b.ErrorOnUnknownConfiguration = section.Length > 0);
        }
        catch (InvalidOperationException e)
        {
            _errors.Add(Unbound<T>(configuration, section) ?? $"{(section.Length == 0 ? "Settings" : section)}: {e.Message}");
        }

        return options;
    }
}

/// <summary>Settings with which nothing may start.</summary>
public sealed class SettingsException(IReadOnlyList<string> errors) : Exception(string.Join(Environment.NewLine, errors));
