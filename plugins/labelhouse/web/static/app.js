// Draws the charts of a page and follows the theme that was chosen in Airflow.
(() => {
  "use strict";

  const root = document.documentElement;

  // Airflow keeps its choice (light, dark, or the system's) under this key; the pages share its origin.
  const applyTheme = () => {
    let chosen = null;
    try {
      chosen = localStorage.getItem("theme");
    } catch {
      // storage may be blocked: then the system's theme is used
    }
    if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
    else delete root.dataset.theme;
  };

  // The colours of the stylesheet, resolved for the current theme.
  const themeOf = (chart) => {
    const style = getComputedStyle(chart);
    const muted = getComputedStyle(chart.querySelector(".plot")).color;
    const font = style.fontFamily;
    return {
      background: null,
      font,
      view: { stroke: null },
      bar: { stroke: style.backgroundColor, strokeWidth: 1 },
      axis: {
        labelColor: style.color, labelFont: font, labelFontSize: 11, labelPadding: 6,
        titleColor: muted, titleFont: font, titleFontSize: 11, titleFontWeight: "normal", titlePadding: 8,
        gridColor: style.borderTopColor, domainColor: style.borderTopColor, tickColor: style.borderTopColor,
      },
      axisY: { titleAnchor: "end", titleAngle: 0, titleAlign: "left", titleX: 0, titleY: -8 },
      axisYBand: { grid: false },
      text: { fill: style.color, font },
      style: { halo: { stroke: style.backgroundColor, strokeWidth: 4, strokeJoin: "round" } },
      legend: { labelColor: style.color, labelFont: font, labelFontSize: 11, symbolStrokeWidth: 0, rowPadding: 4 },
    };
  };

  // Legends above the plot get as many columns as there is room for: Vega would let them run out of the picture.
  const breakLegends = (spec, plot, font) => {
    const ruler = document.createElement("canvas").getContext("2d");
    ruler.font = `11px ${font}`;
    for (const { color, y } of [spec, ...(spec.layer || [])].map((part) => part.encoding || {})) {
      if (!color || !color.legend || color.legend.orient !== "top" || !color.scale || !color.scale.domain) continue;
      const { labelLimit = 160, columns } = color.legend;
      const widths = color.scale.domain.map((name) => Math.min(ruler.measureText(name).width, labelLimit) + 28);
      const axis = y && y.type === "nominal" ? ((y.axis && y.axis.labelLimit) || 160) + 10 : 60;
      const room = plot.clientWidth - axis;
      if (columns || widths.reduce((sum, width) => sum + width, 0) <= room) continue;
      color.legend.columns = Math.max(1, Math.floor(room / Math.max(...widths)));
    }
  };

  // A click on a mark shows that one only: a worker, a run, an attribute, a resource, a kind of cost.
  const FILTERS = {
    worker_id: "worker", run_id: "run", modality: "modality", attribute: "attribute", category: "category",
    series_key: "series", feature: "feature", cost_kind: "kind", resource_name: "resource", job_family: "family",
  };
  const drillDown = (view) => {
    view.addEventListener("click", (_event, item) => {
      const column = Object.keys(FILTERS).find((name) => item && item.datum && item.datum[name]);
      if (!column) return;
      const address = new URL(location.href);
      address.searchParams.set(FILTERS[column], item.datum[column]);
      location.assign(address);
    });
  };

  const drawn = new Map();

  const draw = async (chart) => {
    const spec = JSON.parse(chart.querySelector("script").textContent);
    try {
      if (drawn.has(chart)) drawn.get(chart).finalize();
      const plot = chart.querySelector(".plot");
      breakLegends(spec, plot, getComputedStyle(chart).fontFamily);
      const result = await window.vegaEmbed(plot, spec, {
        actions: false,
        ast: true, // expressions are interpreted: the policy of these pages allows no eval
        config: themeOf(chart),
        defaultStyle: false, // styles come from our stylesheet: the policy allows no others
        renderer: "svg",
        tooltip: { disableDefaultStyle: true },
      });
      drawn.set(chart, result);
      drillDown(result.view);
    } catch (error) {
      console.error(error);
      chart.classList.add("failed");
      const data = chart.parentElement.querySelector("details");
      if (data) data.open = true;
    }
  };

  const drawAll = () => document.querySelectorAll(".chart").forEach(draw);

  // Airflow's frame keeps its pages from leading anywhere else; Airflow's own router may.
  const openInAirflow = (event) => {
    const link = event.target.closest("a[data-airflow]");
    if (!link || parent === window) return;
    event.preventDefault();
    parent.history.pushState(null, "", link.href);
    parent.dispatchEvent(new PopStateEvent("popstate"));
  };

  applyTheme();
  document.addEventListener("click", openInAirflow);
  document.addEventListener("DOMContentLoaded", () => {
    root.classList.add("scripted");
    document.querySelectorAll("form.filters select").forEach((select) => {
      select.addEventListener("change", () => select.form.requestSubmit());
    });
    drawAll();
  });
  addEventListener("storage", (event) => {
    if (event.key !== "theme") return;
    applyTheme();
    drawAll();
  });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
})();
