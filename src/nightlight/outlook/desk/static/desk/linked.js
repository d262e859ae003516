// SPDX-License-Identifier: Apache-2.0
// Draws who is linked with whom, from the JSON in the page. Comfort only: the table below the drawing says the same.
"use strict";

(() => {
  const box = document.getElementById("graph");
  const data = document.getElementById("graph-data");
  const said = document.getElementById("graph-said");
  if (!box || !data || typeof cytoscape === "undefined") return;

  // The library would add a style element, which the security policy refuses, unless one of this name is there.
  const placeholder = document.createElement("template");
  placeholder.id = "__________cytoscape_stylesheet";
  document.head.append(placeholder);

  const { nodes, edges } = JSON.parse(data.textContent);
  document.getElementById("graph-figure").hidden = false;

  function colours() {
    const of = getComputedStyle(document.documentElement);
    const named = (name) => of.getPropertyValue(`--${name}`).trim();
    return {
      ink: named("ink"),
      soft: named("soft"),
      sheet: named("sheet"),
      mark: named("mark"),
      link: named("link"),
      lamp: named("lamp"),
    };
  }

  function style() {
    const c = colours();
    const family = getComputedStyle(document.body).fontFamily;
    return [
      {
        selector: "node",
        style: {
          label: "data(label)",
          color: c.ink,
          "font-family": family,
          "font-size": 13,
          "text-wrap": "wrap",
          "text-max-width": 190,
          "text-valign": "center",
          "text-halign": "right",
          "text-margin-x": 6,
          "background-color": c.mark,
          "border-width": 2,
          "border-color": c.soft,
          width: 18,
          height: 18,
        },
      },
      {
        selector: "node[sort = 'tip']",
        style: { shape: "round-rectangle", "text-halign": "left", "text-margin-x": -6 },
      },
      {
        selector: "node[sort = 'subject']",
        style: {
          shape: "ellipse",
          "background-color": c.lamp,
          "border-color": c.ink,
          width: 24,
          height: 24,
          "text-valign": "top",
          "text-halign": "center",
          "text-margin-x": 0,
        },
      },
      { selector: "node[sort = 'device']", style: { shape: "round-hexagon" } },
      { selector: "node[sort = 'account']", style: { shape: "round-diamond" } },
      { selector: "node[sort = 'file']", style: { shape: "cut-rectangle" } },
      { selector: "node[sort = 'network']", style: { shape: "round-triangle" } },
      { selector: "edge", style: { width: 1.5, "line-color": c.soft, "curve-style": "straight" } },
      { selector: "edge[strength = 'strong']", style: { width: 4, "line-color": c.link } },
      { selector: "edge[strength = 'medium']", style: { width: 2.5, "line-color": c.link, "line-style": "dashed" } },
      { selector: "edge[strength = 'weak']", style: { width: 1.5, "line-style": "dotted" } },
      { selector: "edge[strength = 'decided']", style: { width: 3, "line-color": c.ink, "curve-style": "bezier" } },
      {
        selector: ":selected",
        style: { "line-color": c.lamp, "border-color": c.lamp, "border-width": 4, "overlay-opacity": 0 },
      },
      { selector: ".far", style: { opacity: 0.25 } },
    ];
  }

  const graph = cytoscape({
    container: box,
    elements: { nodes, edges },
    style: style(),
    layout: { name: "preset", fit: true, padding: 24 },
    minZoom: 0.2,
    maxZoom: 3,
    userZoomingEnabled: false, // the wheel scrolls the page; buttons zoom
    boxSelectionEnabled: false,
    selectionType: "single",
  });
  box.dataset.drawn = String(graph.elements().length);

  graph.on("select", "node, edge", (event) => {
    const one = event.target;
    said.textContent = one.data("why");
    const near = one.isNode() ? one.closedNeighborhood() : one.union(one.connectedNodes());
    graph.elements().addClass("far");
    near.removeClass("far");
  });
  graph.on("unselect", () => {
    said.textContent = said.dataset.hint;
    graph.elements().removeClass("far");
  });

  for (const button of document.querySelectorAll("button[data-graph]")) {
    button.addEventListener("click", () => {
      if (button.dataset.graph === "whole") return graph.fit(undefined, 24);
      const level = graph.zoom() * (button.dataset.graph === "closer" ? 1.3 : 0.77);
      graph.zoom({ level, renderedPosition: { x: box.clientWidth / 2, y: box.clientHeight / 2 } });
    });
  }
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => graph.style(style()));
})();
