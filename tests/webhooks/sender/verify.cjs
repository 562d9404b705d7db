// Verifies each request of the JSON list on standard input as a receiver would; prints the list of outcomes.
const { Webhook } = require("standardwebhooks");

let text = "";
process.stdin.on("data", (chunk) => (text += chunk));
process.stdin.on("end", () => {
  const outcomes = JSON.parse(text).map(({ secret, headers, body, signed }) => {
    try {
      if (signed) return new Webhook(secret).sign(headers["webhook-id"], new Date(signed * 1000), body);
      new Webhook(secret).verify(body, headers);
      return "verified";
    } catch (error) {
      return error.message;
    }
  });
  console.log(JSON.stringify(outcomes));
});
