<?php
// A receiver for Invoice Hub webhooks in plain PHP 8: checks the timestamp and the signature, and ignores repeated
// events.
//
//     WEBHOOK_SECRET=whsec_… php -S 127.0.0.1:8080 webhook_receiver.php
//
// Replace handle() with the work that your system does for an event.
declare(strict_types=1);

const TOLERANCE = 300; // seconds

// Your own work; keep it short, or put the event into your own queue.
function handle(array $event): void
{
    file_put_contents('php://stdout', $event['event'] . ' ' . $event['id'] . "\n");
}

// Whether the body is signed with one of our secrets, compared in constant time.
function is_signed(string $timestamp, string $body): bool
{
    $given = [$_SERVER['HTTP_X_WEBHOOK_SIGNATURE'] ?? '', $_SERVER['HTTP_X_WEBHOOK_SIGNATURE_PREVIOUS'] ?? ''];
    // Separated by commas: during a rotation the old and the new secret.
    foreach (explode(',', (string) getenv('WEBHOOK_SECRET')) as $secret) {
        $expected = hash_hmac('sha256', $timestamp . '.' . $body, $secret);
        foreach ($given as $signature) {
            if ($secret !== '' && hash_equals($expected, $signature)) {
                return true;
            }
        }
    }
    return false;
}

function receive(): int
{
    $body = (string) file_get_contents('php://input'); // the raw bytes
    $timestamp = $_SERVER['HTTP_X_WEBHOOK_TIMESTAMP'] ?? '';
    if (!ctype_digit($timestamp) || abs(time() - (int) $timestamp) > TOLERANCE) {
        return 401;
    }
    if (!is_signed($timestamp, $body)) {
        return 401;
    }
    $event = json_decode($body, true, 512, JSON_THROW_ON_ERROR);
    $seen = new PDO('sqlite:' . (getenv('WEBHOOK_STORE') ?: 'seen.db'));
    $seen->setAttribute(PDO::ATTR_ERRMODE, PDO::ERRMODE_EXCEPTION);
    $seen->exec('CREATE TABLE IF NOT EXISTS seen (id TEXT PRIMARY KEY)');
    // Stored only when the work is done: after a crash the hub sends the event again.
    $seen->exec('BEGIN IMMEDIATE');
    $new = $seen->prepare('INSERT OR IGNORE INTO seen VALUES (?)');
    $new->execute([$event['id']]);
    if ($new->rowCount() === 1) {
        handle($event);
    }
    $seen->exec('COMMIT');
    return 204;
}

http_response_code($_SERVER['REQUEST_METHOD'] === 'POST' ? receive() : 405);
