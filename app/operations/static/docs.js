// Shows the OpenAPI document of the hub; requests go to no other address.
"use strict";
const container = document.getElementById("reference");
window.ui = SwaggerUIBundle({
  url: container.dataset.document,
  domNode: container,
  deepLinking: true,
  displayRequestDuration: true,
  docExpansion: "list",
  defaultModelsExpandDepth: 0,
  persistAuthorization: false,
  validatorUrl: null,
  tryItOutEnabled: true,
});
