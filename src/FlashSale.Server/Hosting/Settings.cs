using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
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
        Server = Bind<ServerOptions>(configuration, null);
        Kafka = Bind<KafkaOptions>(configuration, "Kafka");
        Redis = Bind<RedisOptions>(configuration, "Redis");
        MySql = Bind<MySqlOptions>(configuration, "MySql");
        Door = Bind<DoorOptions>(configuration, "Door");
        Engine = Bind<EngineOptions>(configuration, "Engine");
        Ledger = Bind<LedgerOptions>(configuration, "Ledger");
        Auth = Bind<AuthOptions>(configuration, "Auth");
        Tickets = Bind<TicketOptions>(configuration, "Tickets");
        Live = Bind<LiveOptions>(configuration, "Live");

        var rolesKnown = Server.TryRoles(out var roles);
        if (!rolesKnown)
            _errors.Add($"Roles is '{Server.Roles}'; allowed: api, machines, ledger, comma-separated");
        var profileKnown = Server.TryProfile(out var profile);
        if (!profileKnown)
            _errors.Add($"Profile is '{Server.Profile}'; allowed: servers, embedded-broker, embedded");
        Roles = roles;
        Profile = profile;
        // What a process needs follows from these two; one that is misspelled must not bring errors of others.
        if (rolesKnown && profileKnown)
            CheckServers();
        Check(development);
    }

    public ServerOptions Server { get; }

    public KafkaOptions Kafka { get; }

    public RedisOptions Redis { get; }

    public MySqlOptions MySql { get; }

    public DoorOptions Door { get; }

    public EngineOptions Engine { get; }

    public LedgerOptions Ledger { get; }

    public AuthOptions Auth { get; }

    public TicketOptions Tickets { get; }

    public LiveOptions Live { get; }

    public Roles Roles { get; }

    public Profile Profile { get; }

    /// <summary>The keys that tickets are signed with; the first one signs.</summary>
    public List<(byte Id, byte[] Secret)> TicketKeys { get; private set; } = [];

    /// <exception cref="SettingsException">Something is missing or out of range; one line for each.</exception>
    public static Settings Read(IConfiguration configuration, bool development)
    {
        var settings = new Settings(configuration, development);
        return settings._errors.Count == 0 ? settings : throw new SettingsException(settings._errors);
    }

    private void CheckServers()
    {
        if (Profile == Profile.Servers)
            Annotations("Kafka", Kafka);
        else if (Roles != Roles.All)
            _errors.Add($"Roles is '{Server.Roles}' with Profile '{Server.Profile}'; allowed: all three, as the broker lives in this one process");
        if (Profile != Profile.Embedded)
        {
            _errors.AddRange(Redis.Validate());
            _errors.AddRange(MySql.Validate());
        }
    }

    private void Check(bool development)
    {
        Annotations("Door", Door);
        Annotations("Engine", Engine);
        Annotations("Live", Live);
        _errors.AddRange(Ledger.Validate());
        _errors.AddRange(Auth.Validate(development));
        var keys = Tickets.Keys.Length == 0 && development ? TicketOptions.DevelopmentKeys : Tickets.Keys;
        if (keys.Length == 0)
            _errors.Add("Tickets:Keys is missing; outside Development it must be set: id:base64 of 16 bytes or more");
        else if (TicketOptions.Parse(keys) is { } parsed)
            TicketKeys = parsed;
        else
            _errors.Add("Tickets:Keys is malformed; allowed: id:base64, comma-separated, ids 0 to 255 and each once, secrets of 16 bytes or more");
    }

    private T Bind<T>(IConfiguration configuration, string? section) where T : class, new()
    {
        var options = new T();
        try
        {
            // Unknown keys are typing errors, but at the top level everybody's keys stand.
            (section is null ? configuration : configuration.GetSection(section)).Bind(options, b => b.ErrorOnUnknownConfiguration = section is not null);
        }
        catch (InvalidOperationException e)
        {
            _errors.Add($"{section ?? "Settings"}: {e.Message}{(e.InnerException is { } inner ? $" ({inner.Message})" : "")}");
        }

        return options;
    }

    /// <summary>Checks the ranges that an options class states by attributes.</summary>
    private void Annotations(string section, object options)
    {
        foreach (var property in options.GetType().GetProperties())
        {
            var value = property.GetValue(options);
            var shown = Convert.ToString(value, CultureInfo.InvariantCulture);
            if (property.GetCustomAttribute<RequiredAttribute>() is { } required && !required.IsValid(value))
                _errors.Add($"{section}:{property.Name} is missing");
            if (property.GetCustomAttribute<RangeAttribute>() is { } range && !range.IsValid(value))
                _errors.Add($"{section}:{property.Name} is {shown}; allowed: {range.Minimum} to {range.Maximum}");
            if (property.GetCustomAttribute<RegularExpressionAttribute>() is { } pattern && !pattern.IsValid(value))
                _errors.Add($"{section}:{property.Name} is '{shown}'; allowed: {pattern.Pattern}");
        }
    }
}

/// <summary>Settings with which nothing may start.</summary>
public sealed class SettingsException(IReadOnlyList<string> errors) : Exception(string.Join(Environment.NewLine, errors));
