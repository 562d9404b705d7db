"""How each defence of the security page is taken out of the code, and the test that must notice it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Removal:
    """How a defence is taken out: in ``module``, ``code`` becomes ``without``; then ``test`` fails."""

    test: str
    module: str
    code: str
    without: str


REMOVALS = (
    Removal(
        "tests/einvoices/exports/test_package_places.py",
        "app/einvoices/exports/package_places.py",
        "if self._by_owner[owner_id] >= MOST_OF_OWNER:",
        "if self._by_owner[owner_id] >= MOST:",
    ),
    Removal(
        "tests/einvoices/links/test_api.py",
        "app/einvoices/links/service.py",
        "if link is None or not link.is_valid:",
        "if link is None:",
    ),
    Removal(
        "tests/einvoices/lifecycle/test_exclusivity.py",
        "app/sales/queries/einvoice_source.py",
        ".with_for_update(key_share=True)",
        "",
    ),
    Removal(
        "tests/einvoices/test_access.py::test_einvoices_of_other_owners_are_not_found",
        "app/einvoices/queries/lookup.py",
        "query if scope is None else query.where(Einvoice.owner_id == scope)",
        "query",
    ),
    Removal(
        "tests/webhooks/test_access.py",
        "app/webhooks/endpoints/service.py",
        "query if scope is None else query.where(Endpoint.owner_id == scope)",
        "query",
    ),
    Removal(
        "tests/stream/test_owners.py",
        "app/stream/subscriber.py",
        "self.everybody or event.owner_id is None or event.owner_id == self.owner_id",
        "True",
    ),
    Removal(
        "tests/accounts/test_every_route.py::test_every_guarded_route_refuses_each_wrong_credential",
        "app/accounts/tokens/authenticator.py",
        "if token.revoked_at:",
        "if False:",
    ),
    Removal(
        "tests/accounts/login/test_sessions.py::TestRefresh::test_a_reused_refresh_token_ends_the_whole_session",
        "app/accounts/login/sessions.py",
        "lock=True)\n    if session is None or session.revoked_at or not session.user.is_active:",
        "lock=True)\n    if session is None:",
    ),
    Removal(
        "tests/admin/views/test_login.py::test_a_sign_in_does_not_continue_an_earlier_session",
        "app/accounts/login/web_sessions.py",
        "    session.clear()\n    session[_COOKIE_KEY] = str(session_id)",
        "    session.setdefault(_COOKIE_KEY, str(session_id))",
    ),
    Removal(
        "tests/kernel/schemas/test_fields.py::test_unknown_fields_are_refused_by_name",
        "app/kernel/schemas/fields.py",
        "unknown = ma.RAISE",
        "unknown = ma.EXCLUDE",
    ),
    Removal(
        "tests/kernel/test_json.py::test_deep_nesting_is_refused_without_a_crash",
        "app/kernel/json.py",
        "if depth > MAX_DEPTH + 1:",
        "if False:",
    ),
    Removal(
        "tests/tables/test_xlsx_reader.py::TestLimits::test_the_unpacked_size",
        "app/tables/workbook_parts.py",
        "if sum(member.file_size for member in members) > limits.unpacked_bytes:",
        "if False:",
    ),
    Removal(
        "tests/accounts/test_guards.py::test_a_role_is_allowed_exactly_the_routes_of_its_abilities",
        "app/accounts/guards.py",
        "if not allows(authenticate(), ability):",
        "if not authenticate():",
    ),
    Removal(
        "tests/admin/test_guards.py",
        "app/accounts/guards.py",
        "if not allows(authenticate(), ability):",
        "if not authenticate():",
    ),
    Removal(
        "tests/kernel/outbound/test_ssrf.py",
        "app/kernel/outbound/ssrf.py",
        "    for network, reason in _BLOCKED_NETWORKS:",
        "    return None\n    for network, reason in _BLOCKED_NETWORKS:",
    ),
    Removal(
        "tests/admin/test_blueprint.py::test_form_without_csrf_token_changes_nothing",
        "app/admin/blueprint.py",
        "    csrf.protect()",
        "    csrf.exempt",
    ),
    Removal(
        "tests/admin/views/test_login.py::test_next_parameter_redirects_to_no_other_site",
        "app/admin/error_pages.py",
        "return path if is_own and path.isprintable() else",
        "return path if path else",
    ),
    Removal(
        "tests/kernel/text/test_csv_formulas.py",
        "app/kernel/text/csv_formulas.py",
        "return _replace_starts(text, lambda apostrophes: GUARD + apostrophes)",
        "return text",
    ),
    Removal(
        "tests/pdf/test_renderer.py::test_values_are_escaped",
        "app/pdf/renderer.py",
        "autoescape=True",
        "autoescape=False",
    ),
    Removal(
        "tests/pdf/test_files.py",
        "app/pdf/files.py",
        'if unicodedata.category(character) != "Cf"',
        "if character",
    ),
    Removal(
        "tests/kernel/http/test_client_address.py",
        "app/kernel/http/client_address.py",
        "address = forwarded[-min(self._hops, len(forwarded))]",
        "address = forwarded[0]",
    ),
    Removal(
        "tests/accounts/test_call_log.py::test_a_user_sees_only_calls_of_the_user",
        "app/accounts/call_log.py",
        "conditions.append(ApiCall.user_id == scope)",
        "pass",
    ),
    Removal(
        "tests/accounts/test_idempotency.py::test_each_credential_has_its_own_keys",
        "app/accounts/idempotency.py",
        "credential = authenticate().credential",
        'credential = "everybody"',
    ),
    Removal(
        "tests/operations/backup/test_archive.py::TestDamage::test_names_outside_the_storage_folder_are_refused",
        "app/operations/backup/archive.py",
        "if member.isreg() and _NAME.fullmatch(member.name) else",
        "if member.isreg() else",
    ),
    Removal(
        "tests/kernel/test_log_redaction.py::test_values_are_masked_by_field_name",
        "app/kernel/log_redaction.py",
        "line[name] = MASK if _may_be_secret(value) and _is_secret_field(name) else mask_value(value)",
        "line[name] = value",
    ),
    Removal(
        "tests/einvoices/providers/test_http_provider.py",
        "app/einvoices/providers/http_provider.py",
        "if len(content) > MAX_RESPONSE_BYTES:",
        "if False:",
    ),
    Removal(
        "tests/accounts/test_every_route.py::test_every_list_has_a_largest_page_or_a_reason",
        "app/kernel/pagination/limits.py",
        "MAX_PAGE_SIZE = 100",
        "MAX_PAGE_SIZE = 10_000",
    ),
    Removal(
        "tests/stream/test_broadcaster.py",
        "app/stream/broadcaster.py",
        "if logged_out or not covered[alike]:",
        "if False:",
    ),
    Removal(
        "tests/stream/test_api.py::TestTickets::test_needs_a_credential_that_is_still_valid",
        "app/stream/service.py",
        'rights.abilities.intersection(row.principal["abilities"])',
        'frozenset(row.principal["abilities"])',
    ),
    Removal(
        "tests/operations/web_server/test_peers.py",
        "app/operations/web_server/peers.py",
        "        self.sendall(data, *flags)\n        return len(data)",
        "        return int(self._client.send(data, *flags))",
    ),
    Removal(
        "tests/operations/web_server/test_server_log.py",
        "app/operations/web_server/server_log.py",
        "_without_quotation(msg) if msg.startswith(_INVALID) else msg",
        "msg",
    ),
    Removal(
        "tests/webhooks/test_abilities.py::TestDelivery::test_a_token_receives_only_what_it_may_read",
        "app/webhooks/deliveries/fan_out.py",
        "return frozenset(events.matching(patterns)).intersection(events.readable(abilities))",
        "return frozenset(events.matching(patterns))",
    ),
    Removal(
        "tests/accounts/login/test_passwords.py",
        "app/accounts/login/passwords.py",
        "m=65536,t=3,p=4$Jsg",
        "m=65536,t=1,p=4$Jsg",
    ),
    Removal(
        "tests/accounts/login/test_api.py::test_guesses_at_one_account_from_many_networks_are_limited",
        "app/accounts/login/login_limits.py",
        "[*_network_limits(), *_account_limits(_account())]",
        "list(_network_limits())",
    ),
    Removal(
        "tests/accounts/tokens/test_rate_limits.py",
        "app/accounts/tokens/rate_limits.py",
        'return "" if limit is None else f"{limit} per minute"',
        'return ""',
    ),
    Removal(
        "tests/stream/test_api.py::TestSalesStream::test_the_number_of_streams_per_credential_is_limited",
        "app/stream/places.py",
        "if self._by_credential[credential] >= limits.per_credential:",
        "if False:",
    ),
    Removal(
        "tests/sales/floor/test_transitions.py::TestRefusals::test_a_step_from_a_wrong_state_names_the_state",
        "app/sales/floor/transitions.py",
        "if invoice.status not in {*step.moves, *step.resumes}:",
        "if False:",
    ),
    Removal(
        "tests/test_config.py::test_a_weak_secret_does_not_start_in_production",
        "app/config.py",
        "if settings.is_production and settings.secret_key:",
        "if False:",
    ),
    Removal(
        "tests/kernel/test_logs.py::test_no_text_begins_a_line_or_is_very_long",
        "app/kernel/logs.py",
        "if isinstance(value, str) and not value.isprintable():",
        "if False:",
    ),
    Removal(
        "tests/accounts/test_secrets.py",
        "app/kernel/log_redaction.py",
        "line[name] = MASK if _may_be_secret(value) and _is_secret_field(name) else mask_value(value)",
        "line[name] = value",
    ),
    Removal(
        "tests/kernel/pagination/test_byte_limit.py",
        "app/kernel/pagination/byte_limit.py",
        "return before < MAX_MIB * MIB",
        "return before >= 0",
    ),
    Removal(
        "tests/accounts/test_every_route.py::test_every_list_has_a_limit_in_bytes_or_small_rows",
        "app/kernel/pagination/byte_limit.py",
        "return before < MAX_MIB * MIB",
        "return before >= 0",
    ),
    Removal(
        "tests/tables/test_uploads.py",
        "app/tables/uploads.py",
        "if _unpacked_size(content) <= SMALL:",
        "if True:",
    ),
    Removal(
        "tests/kernel/system/test_child_process.py::test_a_child_is_stopped_at_each_limit",
        "app/kernel/system/child_program.py",
        "resource.setrlimit(resource.RLIMIT_AS, (limits.memory, limits.memory))",
        "pass",
    ),
    Removal(
        "tests/kernel/system/test_child_process.py::test_the_children_of_one_owner_leave_a_place_for_others",
        "app/kernel/system/child_process.py",
        "owner is None or self._owners.count(owner) < max(1, self._running - 1)",
        "True",
    ),
    Removal("tests/grn/receipts/test_large_roll_files.py", "app/grn/api/items.py", "commit_early()  # reading", "# "),
    Removal(
        "tests/tables/test_csv_reader.py::test_thousands_of_rows_that_open_and_close_quotation_marks_are_not_read_a_hundred_times",
        "app/tables/csv_reader.py",
        "self._lines.most //= 10",
        "pass",
    ),
    Removal(
        "tests/webhooks/api/test_url_resolution.py",
        "app/kernel/outbound/url_resolution.py",
        "            commit_early()\n",
        "",
    ),
    Removal(
        "tests/tables/test_hostile_files.py",
        "app/tables/workbook_parts.py",
        "if len(unfinished) > _LONGEST:",
        "if False:",
    ),
    Removal(
        "tests/einvoices/pdf/test_print_order.py",
        "app/pdf/print_queue.py",
        "if owner is None or turns.last is None:",
        "if True:",
    ),
    Removal(
        "tests/accounts/tokens/test_authenticator.py",
        "app/accounts/tokens/authenticator.py",
        "if not ip_allowlist.is_allowed(token.allowlist, client_address()):",
        "if False:",
    ),
    Removal(
        "tests/einvoices/lifecycle/test_issue.py",
        "app/einvoices/lifecycle/issue.py",
        '    step_needs.require("issue", einvoice)\n    profile =',
        "    profile =",
    ),
    Removal(
        "tests/webhooks/sender/test_http_client.py",
        "app/webhooks/sender/http_client.py",
        "address = ssrf.resolve_target(target, allowances)",
        'address = "127.0.0.1"',
    ),
    Removal(
        "tests/webhooks/api/test_endpoints.py",
        "app/webhooks/endpoints/service.py",
        "        secret=seal(secret.encode()),",
        "        secret=secret.encode(),",
    ),
    Removal(
        "tests/operations/test_api_docs.py",
        "app/kernel/http/openapi.py",
        "*_common_refusals(path, method, ability, operation), ",
        "",
    ),
    Removal(
        "tests/test_supply_chain.py::test_a_secret_of_each_issuer_is_found",
        "app/accounts/tokens/format.py",
        'PREFIX = "ihub_"',
        'PREFIX = ""',
    ),
    Removal(
        "tests/einvoices/providers/test_http_connections.py",
        "app/einvoices/providers/http_provider.py",
        "return [ssrf.resolve_target(target, request.allowances)]",
        "return ssrf.resolve_host(target.host, target.port)",
    ),
    Removal(
        "tests/einvoices/provider_accounts/test_callbacks.py",
        "app/einvoices/provider_accounts/callbacks.py",
        "if not is_signed(_secrets(account), headers, body, clock.now()) or account is None:",
        "if account is None:",
    ),
    Removal(
        "tests/kernel/outbound/test_shared_secret.py",
        "app/kernel/outbound/shared_secret.py",
        "if not is_number or abs(int(timestamp) - moment.timestamp()) > TOLERANCE.total_seconds():",
        "if not is_number:",
    ),
    Removal(
        "tests/accounts/login/test_invitations.py",
        "app/accounts/login/invitations.py",
        "Invitation.expires_at > clock.now(), User.is_active",
        "User.is_active",
    ),
)
