// Messages of /ws say that something changed; the page is then asked for anew, at most once a second, and sections whose
// contents differ are replaced. So there is one place that writes figures as people read them: the server.
"use strict";
(() => {
  const EVERY_MS = 1000, SILENT_MS = 5000, LONGEST_WAIT_MS = 10000;
  const link = document.getElementById("link");
  let asking = false, wanted = false, askedAt = 0, heardAt = 0, tries = 0;

  function say(text) {
    if (link.textContent !== text) link.textContent = text;
  }

  function refresh() {
    if (document.hidden || asking) { wanted = true; return; }
    const wait = askedAt + EVERY_MS - Date.now();
    if (wait > 0) {
      if (!wanted) { wanted = true; setTimeout(refresh, wait); }
      return;
    }
    wanted = false;
    asking = true;
    askedAt = Date.now();
    fetch(location.pathname, { headers: { Accept: "text/html" }, signal: AbortSignal.timeout(8000) })
      .then(answer => answer.ok ? answer.text() : Promise.reject(new Error("no figures: " + answer.status)))
      .then(text => { replace(new DOMParser().parseFromString(text, "text/html")); say("live"); })
      .catch(error => say(error.message.startsWith("no figures") ? error.message : "no answer, trying again"))
      .finally(() => { asking = false; if (wanted) { wanted = false; refresh(); } });
  }

  function replace(page) {
    for (const fresh of page.querySelectorAll("section[data-live]")) {
      const shown = document.getElementById(fresh.id);
      if (!shown || shown.innerHTML === fresh.innerHTML) continue;
      const known = new Set([...shown.querySelectorAll("[data-fill]")].map(row => row.dataset.fill));
      const focus = shown.contains(document.activeElement) ? document.activeElement : null;
      const place = focus && [focus.tagName, focus.getAttribute("href"), focus.getAttribute("aria-label")].join();
      const scrolled = [...shown.querySelectorAll(".wide, .history")].map(part => [part.scrollLeft, part.scrollTop]);
      shown.replaceChildren(...document.adoptNode(fresh).childNodes);
      [...shown.querySelectorAll(".wide, .history")].forEach((part, index) => {
        if (scrolled[index]) [part.scrollLeft, part.scrollTop] = scrolled[index];
      });
      if (known.size) mark(shown, known);
      if (focus) {
        const again = [...shown.querySelectorAll("a, [tabindex]")].find(
          part => [part.tagName, part.getAttribute("href"), part.getAttribute("aria-label")].join() === place);
        if (again) again.focus({ preventScroll: true });
      }
    }
  }

  function mark(section, known) {
    for (const row of section.querySelectorAll("[data-fill]")) {
      if (known.has(row.dataset.fill)) continue;
      row.classList.add("fresh");
      setTimeout(() => row.classList.remove("fresh"), 1500);
    }
  }

  function connect() {
    const socket = new WebSocket((location.protocol === "https:" ? "wss://" : "ws://") + location.host + "/ws");
    socket.onopen = () => { tries = 0; heardAt = Date.now(); refresh(); };
    socket.onmessage = () => { heardAt = Date.now(); refresh(); };
    socket.onclose = () => {
      say("disconnected, trying again");
      setTimeout(connect, Math.min(LONGEST_WAIT_MS, 500 * 2 ** tries++));
    };
  }

  document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });
  setInterval(() => { if (heardAt && Date.now() - heardAt > SILENT_MS) refresh(); }, SILENT_MS);
  connect();
})();
