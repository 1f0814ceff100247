namespace FlashSale.MySql;

/// <summary>Where the databases' SQL differs.</summary>
/// <param name="Migrations">The folder of its migrations.</param>
internal abstract record LedgerDialect(string Migrations)
{
    /// <summary>The end of an INSERT that updates the row with the same key instead.</summary>
    /// <param name="key">The key's columns.</param>
    /// <param name="set">Column and new value; <c>{new}</c> in it stands for the value that was to be inserted.</param>
    public abstract string OnDuplicate(string key, params (string Column, string Value)[] set);

    /// <summary>Whether a row with the same key was there.</summary>
    public abstract bool IsDuplicate(Exception error);
}

/// <summary>VALUES(column) is deprecated in MySQL 8, but its successor is unknown to MariaDB.</summary>
internal sealed record MySqlDialect() : LedgerDialect("mysql")
{
    private const int DuplicateEntry = 1062;

    public override string OnDuplicate(string key, params (string Column, string Value)[] set) =>
        " ON DUPLICATE KEY UPDATE " + string.Join(", ", set.Select(s => $"{s.Column} = {s.Value.Replace("{new}", $"VALUES({s.Column})", StringComparison.Ordinal)}"));

    public override bool IsDuplicate(Exception error) => error is MySqlException { Number: DuplicateEntry };
}

internal sealed record SqliteDialect() : LedgerDialect("sqlite")
{
    private const int ConstraintPrimaryKey = 1555;
    private const int ConstraintUnique = 2067;

    public override string OnDuplicate(string key, params (string Column, string Value)[] set) =>
        $" ON CONFLICT ({key}) DO UPDATE SET " + string.Join(", ", set.Select(s => $"{s.Column} = {s.Value.Replace("{new}", $"excluded.{s.Column}", StringComparison.Ordinal)}"));

    public override bool IsDuplicate(Exception error) =>
        error is Microsoft.Data.Sqlite.SqliteException { SqliteExtendedErrorCode: ConstraintPrimaryKey or ConstraintUnique };
}
