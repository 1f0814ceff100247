using System.Reflection;
using System.Runtime.Loader;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.Text;

namespace FlashSale.Simulation.Defences;

/// <summary>Something in the sources is not as the list of defences says.</summary>
internal sealed class DefenceException(string message) : Exception(message);

/// <summary>
/// Compiles the sources of Core, with one defence taken away, to an assembly of the same name, and loads it with a second copy
/// of the simulation beside the real ones. So the sources need no switch for it.
/// </summary>
internal sealed class WeakenedCore
{
    private const string AssemblyName = "FlashSale.Core";

    private static readonly CSharpParseOptions Language = new(LanguageVersion.Latest, DocumentationMode.None);
    private static readonly CSharpCompilationOptions Options =
        new(OutputKind.DynamicallyLinkedLibrary, optimizationLevel: OptimizationLevel.Release, nullableContextOptions: NullableContextOptions.Enable);

    private readonly Dictionary<string, string> _sources;
    private readonly Dictionary<string, SyntaxTree> _trees;
    private readonly IReadOnlyList<MetadataReference> _references;

    public WeakenedCore(string coreFolder)
    {
        _sources = Directory.EnumerateFiles(coreFolder, "*.cs", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(coreFolder, f).Replace('\\', '/'))
            .Where(f => !f.StartsWith("obj/", StringComparison.Ordinal) && !f.StartsWith("bin/", StringComparison.Ordinal))
            .ToDictionary(f => f, f => File.ReadAllText(Path.Combine(coreFolder, f)).ReplaceLineEndings("\n"));
        // What ImplicitUsings adds to a project.
        _sources.Add("Usings.cs", "global using System; global using System.Collections.Generic; global using System.IO; global using System.Linq;"
            + " global using System.Net.Http; global using System.Threading; global using System.Threading.Tasks;");
        _trees = _sources.ToDictionary(s => s.Key, s => Parse(s.Value));
        _references = [.. ((string)AppContext.GetData("TRUSTED_PLATFORM_ASSEMBLIES")!).Split(Path.PathSeparator)
            .Where(f => Path.GetFileNameWithoutExtension(f) != AssemblyName)
            .Select(f => MetadataReference.CreateFromFile(f))];
    }

    /// <summary>Runs seeds against Core without a defence; null stands for Core as it is.</summary>
    /// <exception cref="DefenceException">The text is not in the file exactly once, or the rest does not compile.</exception>
    public DefenceResult Probe(Defence? defence, ulong from, int seeds)
    {
        var context = new ProbeContext();
        try
        {
            context.Core = context.LoadFromStream(Compile(defence));
            // Read from memory as well: from its file the loader might give the copy that is running.
            using var file = new MemoryStream(File.ReadAllBytes(typeof(WeakenedCore).Assembly.Location));
            var probe = context.LoadFromStream(file).GetType(typeof(SeedProbe).FullName!)!.GetMethod(nameof(SeedProbe.FirstViolation))!;
            return new DefenceResult((string[]?)probe.Invoke(null, BindingFlags.DoNotWrapExceptions, null, [from, seeds], null));
        }
        finally
        {
            context.Unload();
        }
    }

    /// <summary>Has its own Core; everything else but the simulation is shared.</summary>
    private sealed class ProbeContext() : AssemblyLoadContext(isCollectible: true)
    {
        public Assembly? Core { get; set; }

        protected override Assembly? Load(AssemblyName assemblyName) => assemblyName.Name == WeakenedCore.AssemblyName ? Core : null;
    }

    private static SyntaxTree Parse(string source) => CSharpSyntaxTree.ParseText(SourceText.From(source), Language);

    private MemoryStream Compile(Defence? defence)
    {
        var trees = _trees.ToDictionary();
        foreach (var (file, source) in Weaken(defence))
            trees[file] = Parse(source);
        var compilation = CSharpCompilation.Create(AssemblyName, trees.Values, _references, Options);
        var stream = new MemoryStream();
        var result = compilation.Emit(stream);
        if (!result.Success)
            throw new DefenceException($"without '{defence?.Name}' Core does not compile: {result.Diagnostics.First(d => d.Severity == DiagnosticSeverity.Error)}");
        stream.Position = 0;
        return stream;
    }

    /// <summary>The files that are different without the defence, and what is in them then.</summary>
    internal IReadOnlyDictionary<string, string> Weaken(Defence? defence)
    {
        var changed = new Dictionary<string, string>();
        for (; defence is not null; defence = defence.With)
        {
            if (!changed.TryGetValue(defence.File, out var source) && !_sources.TryGetValue(defence.File, out source))
                throw new DefenceException($"'{defence.Name}' is to be in {defence.File}, which there is not");
            var parts = source.Split(defence.Find);
            if (parts.Length != 2)
                throw new DefenceException($"'{defence.Name}': its text is {parts.Length - 1} times in {defence.File}, not once. The list of defences has to follow the code");
            changed[defence.File] = string.Join(defence.Replacement, parts);
        }

        return changed;
    }
}

/// <summary>What the seeds have found, or nothing.</summary>
internal sealed class DefenceResult(string[]? found)
{
    public bool IsFound => found is not null;

    public string Seed => found![0];

    public string Invariant => found![1];

    public string Message => found![2];
}

/// <summary>What is called in the second copy of the simulation.</summary>
public static class SeedProbe
{
    /// <summary>Seed, invariant and message of the first violation; null where there is none.</summary>
    public static string[]? FirstViolation(ulong from, int seeds)
    {
        var range = new SeedRange(from, seeds);
        range.Run(CancellationToken.None);
        return range.Failed is { } failed ? [$"{failed.Seed}", failed.Invariant!, failed.Message!] : null;
    }
}
