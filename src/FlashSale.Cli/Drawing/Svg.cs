using System.Globalization;
using System.Net;
using System.Text;

namespace FlashSale.Cli.Drawing;

/// <summary>What all pictures have in common.</summary>
internal static class Svg
{
    /// <summary>A picture with its title, on white.</summary>
    public static string Page(string title, int width, int height, int titleAt, StringBuilder content)
    {
        var svg = new StringBuilder();
        svg.Append(CultureInfo.InvariantCulture, $"<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" viewBox=\"0 0 {width} {height}\" font-family=\"sans-serif\" font-size=\"11\">\n");
        svg.Append("<rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n");
        svg.Append(CultureInfo.InvariantCulture, $"<text x=\"{titleAt}\" y=\"18\" fill=\"#222\" font-size=\"14\">{WebUtility.HtmlEncode(title)}</text>\n");
        return svg.Append(content).Append("</svg>\n").ToString();
    }
}
