# The server, built against the complete NuGet feed. .NET comes from the distribution's own packages.

FROM ubuntu:26.04 AS build
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates dotnet-sdk-10.0 \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY . .
RUN dotnet publish src/FlashSale.Server -c Release -o /app --nologo

FROM ubuntu:26.04
RUN apt-get update \
    && apt-get install -y --no-install-recommends ca-certificates aspnetcore-runtime-10.0 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home-dir /app --shell /usr/sbin/nologin flashsale
WORKDIR /app
COPY --from=build /app .
USER flashsale
ENV ASPNETCORE_URLS=http://+:8080
# As src/FlashSale.Server/runtime.env says; a test compares them.
ENV DOTNET_TieredPGO=1
ENV DOTNET_TieredPGO_InstrumentOnlyHotCode=0
ENV DOTNET_GCgen0size=0x4000000
EXPOSE 8080
ENTRYPOINT ["dotnet", "FlashSale.Server.dll"]
