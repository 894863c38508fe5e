// The documents show what their reader may see, so the key is asked for here and sent with everything.
(() => {
  "use strict";
  const stored = "penstock-key";
  const key = document.getElementById("key");
  const choice = document.getElementById("document");
  const state = document.getElementById("state");
  const wanted = new URLSearchParams(location.search).get("app");
  key.value = sessionStorage.getItem(stored) || "";

  const authorized = (headers) => (key.value ? { ...headers, Authorization: `Key ${key.value}` } : headers);

  async function listApps() {
    choice.replaceChildren(new Option("everything", ""));
    if (!key.value) return;
    const answer = await fetch("/api/apps", { headers: authorized({}) });
    if (!answer.ok) {
      state.textContent = answer.status === 401 ? "This key is not valid." : `Error ${answer.status}`;
      return;
    }
    for (const app of await answer.json()) choice.add(new Option(app.name, app.slug));
  }

  function show() {
    const app = choice.value;
    const url = app ? `/api/apps/${encodeURIComponent(app)}/openapi.json` : "/openapi.json";
    history.replaceState(null, "", app ? `?app=${encodeURIComponent(app)}` : location.pathname);
    SwaggerUIBundle({
      url,
      dom_id: "#swagger-ui",
      deepLinking: true,
      docExpansion: "none",
      defaultModelsExpandDepth: 0,
      displayRequestDuration: true,
      filter: true,
      validatorUrl: null,
      requestInterceptor: (request) => {
        // Only this server learns the key, and what was typed under "Authorize" is left alone.
        const here = new URL(request.url, location.href).origin === location.origin;
        if (here && !request.headers.Authorization) request.headers = authorized(request.headers);
        return request;
      },
    });
  }

  async function load() {
    const app = choice.value || wanted;
    state.textContent = "";
    sessionStorage.setItem(stored, key.value);
    await listApps();
    if ([...choice.options].some((option) => option.value === app)) choice.value = app;
    else if (app) choice.add(new Option(app, app, true, true));
    show();
  }

  document.getElementById("bar").addEventListener("submit", (event) => {
    event.preventDefault();
    load();
  });
  choice.addEventListener("change", show);
  load();
})();
