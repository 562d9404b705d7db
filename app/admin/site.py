"""All pages in one readable list, and what they need of the application."""

from __future__ import annotations

from flask import Flask
from flask_babel import Babel, get_locale
from flask_wtf.csrf import CSRFError

from app.accounts import web_sessions
from app.admin import (
    account,
    assets,
    calls,
    deliveries,
    einvoices,
    keys,
    licences,
    operations,
    overview,
    pages,
    people,
    receipts,
    refusals,
    sales,
    seller,
    sentences,
    signing,
    tokens,
    viewers,
    webhooks,
    words,
)
from app.admin.navigation import navigation
from app.kernel import refusing
from app.stream.resources import STREAMS

#: Each file of pages brings its blueprint; what is not named here does not exist.
PAGES = (
    assets,
    signing,
    account,
    overview,
    sales,
    receipts,
    einvoices,
    tokens,
    webhooks,
    deliveries,
    calls,
    keys,
    seller,
    licences,
    people,
    operations,
)

for page in PAGES:
    pages.blp.register_blueprint(page.blp)


def register(app: Flask) -> None:
    """Add the pages to ``app``."""
    Babel(app, default_translation_directories="admin/translations", locale_selector=viewers.language)
    pages.csrf.init_app(app)
    app.register_blueprint(pages.blp)
    app.register_error_handler(CSRFError, refusals.stale_form)
    app.after_request(pages.secure)
    refusing.page_renderers[:] = [refusals.render]
    web_sessions.streams.update(STREAMS)
    words.register(app)
    app.jinja_env.filters["said"] = sentences.said
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals.update(
        asset=assets.asset,
        banners=licences.banners,
        locale=get_locale,
        languages=viewers.LANGUAGES,
        navigation=navigation,
        theme=viewers.theme,
        told=deliveries.told,
        viewer=viewers.viewer,
    )
