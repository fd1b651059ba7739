// The console of the OpenAPI document; what it sends asks for answers in the language of the page.
"use strict";
const place = document.getElementById("console");
window.SwaggerUIBundle({
  url: place.dataset.document,
  domNode: place,
  deepLinking: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  filter: true,
  validatorUrl: null,
  requestInterceptor: (request) => {
    request.headers["Accept-Language"] = place.dataset.language;
    return request;
  },
});
