"""List of all page modules, and their registration at the application."""

from __future__ import annotations

from flask import Flask
from flask_babel import Babel, get_locale
from flask_wtf.csrf import CSRFError

from app.accounts.login import web_sessions
from app.admin import assets, blueprint, error_pages, viewer
from app.admin.handbook import handbook_page
from app.admin.handbook.chapters import chapter_of
from app.admin.helpers import own_address
from app.admin.i18n import formats, translate
from app.admin.navigation import navigation
from app.admin.views import account as account_views
from app.admin.views import api_keys as api_keys_views
from app.admin.views import deliveries as deliveries_views
from app.admin.views import einvoices as einvoices_views
from app.admin.views import global_search as global_search_views
from app.admin.views import login as login_views
from app.admin.views import modules as modules_views
from app.admin.views import operations as operations_views
from app.admin.views import overview as overview_views
from app.admin.views import receipts as receipts_views
from app.admin.views import sales as sales_views
from app.admin.views import seller as seller_views
from app.admin.views import tokens as tokens_views
from app.admin.views import users as users_views
from app.admin.views import webhooks as webhooks_views
from app.admin.views.desks import customer_desk as customer_desk_views
from app.admin.views.desks import document_comparison as document_comparison_views
from app.admin.views.desks import einvoice_desk as einvoice_desk_views
from app.admin.views.desks import einvoice_documents as einvoice_documents_views
from app.admin.views.desks import einvoice_preview as einvoice_preview_views
from app.admin.views.desks import inspection_desk as inspection_desk_views
from app.admin.views.desks import receipt_editor as receipt_editor_views
from app.admin.views.desks import receipt_upload as receipt_upload_views
from app.admin.views.desks import review_desk as review_desk_views
from app.admin.views.desks import roll_upload as roll_upload_views
from app.admin.views.desks import sales_prints as sales_prints_views
from app.admin.views.desks import sales_upload as sales_upload_views
from app.admin.views.desks import upload_progress as upload_progress_views
from app.admin.views.goods import associations as associations_views
from app.admin.views.goods import label_choice as label_choice_views
from app.admin.views.goods import masters as masters_views
from app.admin.views.goods import rolls as rolls_views
from app.admin.views.lists import einvoice_series as einvoice_series_views
from app.admin.views.lists import einvoice_steps as einvoice_steps_views
from app.admin.views.lists import list_columns as list_columns_views
from app.admin.views.lists import partners_pages as partners_views
from app.admin.views.lists import receipt_steps as receipt_steps_views
from app.admin.views.lists import sales_gaps as sales_gaps_views
from app.admin.views.settings import audit_entries as audit_entries_views
from app.admin.views.settings import calls as calls_views
from app.admin.views.settings import evidence as evidence_views
from app.admin.views.settings import provider_accounts as provider_accounts_views
from app.einvoices.queries.problems import shown_status
from app.kernel import clock
from app.kernel.bidi import clean_output
from app.kernel.http import error_handlers
from app.kernel.outbound.public_address import whole_url
from app.languages import LANGUAGES
from app.stream.api import STREAMS

#: Modules with a blueprint ``blp`` of pages.
PAGES = (
    assets,
    login_views,
    account_views,
    overview_views,
    global_search_views,
    handbook_page,
    sales_views,
    review_desk_views,
    sales_upload_views,
    sales_prints_views,
    receipts_views,
    receipt_editor_views,
    inspection_desk_views,
    receipt_upload_views,
    roll_upload_views,
    associations_views,
    label_choice_views,
    rolls_views,
    masters_views,
    upload_progress_views,
    einvoices_views,
    einvoice_desk_views,
    einvoice_documents_views,
    einvoice_preview_views,
    document_comparison_views,
    tokens_views,
    webhooks_views,
    deliveries_views,
    calls_views,
    audit_entries_views,
    evidence_views,
    api_keys_views,
    seller_views,
    provider_accounts_views,
    modules_views,
    users_views,
    operations_views,
    list_columns_views,
    einvoice_steps_views,
    einvoice_series_views,
    receipt_steps_views,
    partners_views,
    customer_desk_views,
    sales_gaps_views,
)

for page in PAGES:
    blueprint.blp.register_blueprint(page.blp)


def register(app: Flask) -> None:
    """Add the pages to ``app``."""
    Babel(app, default_translation_directories="admin/translations", locale_selector=viewer.language)
    blueprint.csrf.init_app(app)
    app.register_blueprint(blueprint.blp)
    app.register_error_handler(CSRFError, error_pages.handle_csrf_error)
    app.after_request(blueprint.add_security_headers)
    error_handlers.page_renderers[:] = [error_pages.render]
    web_sessions.stream_endpoints.update(STREAMS)
    formats.register(app)
    app.jinja_env.filters["translate"] = translate.translate
    app.jinja_env.filters["whole_url"] = whole_url
    app.jinja_env.filters["iso"] = clock.iso
    app.jinja_env.filters["shown_status"] = shown_status
    app.jinja_env.finalize = clean_output
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        asset=assets.asset,
        icon_url=assets.icon,
        banners=modules_views.banners,
        chapter_of=chapter_of,
        locale=get_locale,
        local_zone=viewer.local_zone,
        region=viewer.region,
        languages=LANGUAGES,
        navigation=navigation,
        object_trail=audit_entries_views.object_trail,
        own_address=own_address,
        recent_deliveries=deliveries_views.recent_deliveries,
        theme=viewer.theme,
        time_zone=viewer.time_zone,
        viewer=viewer.viewer,
    )
