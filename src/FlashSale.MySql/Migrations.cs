using System.Data.Common;
using System.Reflection;
using Dapper;
using FlashSale.Core.Log;

namespace FlashSale.MySql;

/// <summary>The versions of the tables: embedded files named <c>0001-what.sql</c>, run in order, each once.</summary>
internal static class Migrations
{
    private const string CreateVersions =
        "CREATE TABLE IF NOT EXISTS schema_version (version INT NOT NULL PRIMARY KEY, name VARCHAR(100) NOT NULL, applied_at TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP)";

    /// <summary>Brings the tables to the newest version. The caller keeps other processes out meanwhile.</summary>
    /// <exception cref="LogRefusedException">The tables are newer than this build.</exception>
    public static void Run(DbConnection connection, DbTransaction? transaction, LedgerDialect dialect)
    {
        connection.Execute(CreateVersions, transaction: transaction);
        var version = connection.ExecuteScalar<int?>("SELECT MAX(version) FROM schema_version", transaction: transaction) ?? 0;
        var known = Load(dialect.Migrations);
        if (version > known[^1].Version)
            throw new LogRefusedException($"the ledger's tables have version {version}, this build knows up to {known[^1].Version}: update this process");

        foreach (var migration in known.Where(m => m.Version > version))
        {
            foreach (var statement in Statements(migration.Sql))
                connection.Execute(statement, transaction: transaction);
            connection.Execute("INSERT INTO schema_version (version, name) VALUES (@Version, @Name)", new { migration.Version, migration.Name }, transaction);
        }
    }

    private static List<(int Version, string Name, string Sql)> Load(string folder)
    {
        var prefix = $"migrations/{folder}/";
        var assembly = Assembly.GetExecutingAssembly();
        return [.. assembly.GetManifestResourceNames()
            .Where(n => n.StartsWith(prefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(n => (int.Parse(n.AsSpan(prefix.Length, 4)), n[prefix.Length..], Read(assembly, n)))];
    }

    private static string Read(Assembly assembly, string name)
    {
        using var reader = new StreamReader(assembly.GetManifestResourceStream(name)!);
        return reader.ReadToEnd();
    }

    /// <summary>Statements end with a semicolon at the end of a line; comments have lines of their own.</summary>
    private static string[] Statements(string sql) =>
        string.Join('\n', sql.ReplaceLineEndings("\n").Split('\n').Where(l => !l.StartsWith("--", StringComparison.Ordinal)))
            .Split(";\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
